def route(table, method, path):
    status = 404
    for one, pattern, name in table:
        parameters = match(pattern, path)
        if parameters is None:
            continue
        if one == method:
            return 200, name, parameters
        status = 405
    return status, None, {}


def match(pattern, path):
    left, right = pattern.split("/"), path.split("/")
    if len(left) != len(right):
        return None
    parameters = {}
    for want, have in zip(left, right):
        if want.startswith("{") and want.endswith("}") and have:
            parameters[want[1:-1]] = have
        elif want != have:
            return None
    return parameters
