import resource

names = [name for name in dir(resource) if name.startswith("RLIMIT_")]
for name in names:
    number = getattr(resource, name)
    try:
        soft, hard = resource.getrlimit(number)
    except OSError:
        print("cannot read", name)
        continue
    for wanted in ((hard, hard), (resource.RLIM_INFINITY, resource.RLIM_INFINITY)):
        try:
            resource.setrlimit(number, wanted)
            print("set", name)
        except (OSError, ValueError):
            pass
    try:
        resource.prlimit(1, number)
        print("looked at another process's", name)
    except OSError:
        pass
if resource.getrlimit(resource.RLIMIT_FSIZE) != (0, 0) or resource.getrlimit(resource.RLIMIT_CORE) != (0, 0):
    print("limits are not set")
