"""A script's own files, held in its memory: those of its author to read, /tmp and QUESTHALL_OUT to write.

The jail opens no file but Python's own. So that a script can read the word list beside it, import the module that its
campaign shares, and make a picture for its participant, what Python offers for files is taught three folders that exist in
this process alone, and everything else goes the usual way, where the jail is. Nothing has to be allowed for it, it is the
same on every rung, and it ends with the process.
"""


def private_files():
    """Teaches Python the three folders. Answers a function that fills them and one that takes out what was made."""
    import builtins
    import errno
    import importlib.machinery
    import io
    import linecache
    import os
    import posixpath
    import stat
    import sys
    import weakref

    AUTHORS, OUT, TMP = "/campaign", "/out", "/tmp"
    MOST_BYTES, MOST_FILES, FIRST_DESCRIPTOR = 16 << 20, 512, 1000
    # Every file was changed then: archives of them are the same in every run.
    CHANGED = 1_577_836_800
    real = {name: getattr(os, name) for name in dir(os) if callable(getattr(os, name))}
    real_open = io.open
    tree = {AUTHORS: None, OUT: None, TMP: None}  # a folder is None
    here = [AUTHORS]
    used = [0]
    descriptors = {}
    writers = []

    def refuse(number, path, words=None):
        raise OSError(number, words or os.strerror(number), path)

    def ours(path):
        """The path if it is in one of the three folders, in its shortest form, else None."""
        if path.__class__ is int:
            return None
        path = os.fspath(path)
        if path.__class__ is bytes:
            path = os.fsdecode(path)
        if "\0" in path:
            return None
        if not path.startswith("/"):
            path = here[0] + "/" + path
        path = posixpath.normpath(path)
        if path.startswith("//"):
            path = path[1:]
        if path in (AUTHORS, OUT, TMP) or path.startswith((AUTHORS + "/", OUT + "/", TMP + "/")):
            return path
        return None

    def writable(path):
        if path == AUTHORS or path.startswith(AUTHORS + "/"):
            refuse(errno.EROFS, path, "the campaign's files can be read only; write to /tmp or QUESTHALL_OUT")

    def take(size):
        if used[0] + size > MOST_BYTES:
            refuse(errno.ENOSPC, None, "/tmp and QUESTHALL_OUT hold at most %d MiB together" % (MOST_BYTES >> 20))
        used[0] += size

    def add(path, node):
        parent = posixpath.dirname(path)
        if parent not in tree:
            refuse(errno.ENOENT, path)
        if tree[parent] is not None:
            refuse(errno.ENOTDIR, path)
        if len(tree) > MOST_FILES:
            refuse(errno.ENOSPC, path, "/tmp and QUESTHALL_OUT hold at most %d files together" % MOST_FILES)
        tree[path] = node
        return node

    def find(path):
        if path not in tree:
            refuse(errno.ENOENT, path)
        return tree[path]

    def inside(path):
        return sorted(name[len(path) + 1 :] for name in tree if posixpath.dirname(name) == path and name != path)

    class Node:
        __slots__ = ("data",)

        def __init__(self, data=b""):
            self.data = bytearray(data)

        def resize(self, size):
            if size > len(self.data):
                take(size - len(self.data))
                self.data.extend(bytes(size - len(self.data)))
            else:
                used[0] -= len(self.data) - size
                del self.data[size:]

    class Raw(io.RawIOBase):
        """An open file."""

        def __init__(self, name, node, reads, writes, appends=False, descriptor=None):
            self.name, self._node, self._reads, self._writes, self._appends = name, node, reads, writes, appends
            self._at = len(node.data) if appends else 0
            self._descriptor = descriptor
            self.mode = ("rb+" if reads else "wb") if writes else "rb"

        def readable(self):
            return self._reads

        def writable(self):
            return self._writes

        def seekable(self):
            return True

        def readinto(self, into):
            if not self._reads:
                raise io.UnsupportedOperation("not readable")
            found = self._node.data[self._at : self._at + len(into)]
            into[: len(found)] = found
            self._at += len(found)
            return len(found)

        def write(self, given):
            if not self._writes:
                raise io.UnsupportedOperation("not writable")
            given = memoryview(given).cast("B")
            if self._appends:
                self._at = len(self._node.data)
            end = self._at + len(given)
            if end > len(self._node.data):
                self._node.resize(end)
            self._node.data[self._at : end] = given
            self._at = end
            return len(given)

        def seek(self, offset, whence=0):
            at = offset + (0, self._at, len(self._node.data))[whence]
            if at < 0:
                refuse(errno.EINVAL, self.name)
            self._at = at
            return at

        def tell(self):
            return self._at

        def truncate(self, size=None):
            size = self._at if size is None else size
            self._node.resize(size)
            return size

        def close(self):
            if not self.closed and self._descriptor is not None:
                descriptors.pop(self._descriptor, None)
            super().close()

    def opened(path, reads, writes, appends, makes, fresh, empties):
        if writes:
            writable(path)
        if path in tree and fresh:
            refuse(errno.EEXIST, path)
        if path not in tree and not makes:
            refuse(errno.ENOENT, path)
        node = tree[path] if path in tree else add(path, Node())
        if node is None:
            refuse(errno.EISDIR, path)
        if empties:
            node.resize(0)
        return Raw(path, node, reads, writes, appends)

    def open_file(
        file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None
    ):
        known = descriptors.get(file) if file.__class__ is int else None
        path = None if file.__class__ is int else ours(file)
        if known is None and path is None:
            return real_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        kind, binary, both = mode.strip("bt+")[:1], "b" in mode, "+" in mode
        if kind not in ("r", "w", "x", "a") or set(mode) - set("rwxabt+"):
            raise ValueError("invalid mode: %r" % mode)
        reads, writes = kind == "r" or both, kind != "r" or both
        if known is None and opener is not None:
            flags = os.O_RDWR if both else os.O_WRONLY if writes else os.O_RDONLY
            flags |= {"w": os.O_CREAT | os.O_TRUNC, "x": os.O_CREAT | os.O_EXCL, "a": os.O_CREAT | os.O_APPEND}.get(kind, 0)
            file = opener(file, flags)
            known = descriptors.get(file)
            if known is None:
                return real_open(file, mode, buffering, encoding, errors, newline, closefd)
        if known is not None:
            raw = Raw(file, known._node, reads, writes, kind == "a", file if closefd else None)
        else:
            raw = opened(path, reads, writes, kind == "a", kind != "r", kind == "x", kind == "w")
            raw.name = file
        if buffering == 0:
            if not binary:
                raise ValueError("can't have unbuffered text I/O")
            return raw
        size = buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE
        kind_of = io.BufferedRandom if both else io.BufferedWriter if writes else io.BufferedReader
        file = kind_of(raw, size)
        if not binary:
            file = io.TextIOWrapper(file, encoding, errors, newline, line_buffering=buffering == 1)
            file.mode = mode
        if writes:
            writers.append(weakref.ref(file))
        return file

    def low_open(path, flags, mode=0o777, *, dir_fd=None):
        at = ours(path) if dir_fd is None else None
        if at is None:
            return real["open"](path, flags, mode, dir_fd=dir_fd)
        access = flags & os.O_ACCMODE
        reads, writes = access != os.O_WRONLY, access != os.O_RDONLY
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            writable(at)
            raw = Raw(at, Node(), reads, writes)
        else:
            makes = bool(flags & os.O_CREAT)
            raw = opened(
                at, reads, writes or makes, bool(flags & os.O_APPEND), makes, makes and bool(flags & os.O_EXCL),
                bool(flags & os.O_TRUNC),
            )
        number = next(number for number in range(FIRST_DESCRIPTOR, 1 << 30) if number not in descriptors)
        descriptors[number] = raw
        return number

    def described(node):
        kind = stat.S_IFDIR | 0o755 if node is None else stat.S_IFREG | 0o644
        size = 0 if node is None else len(node.data)
        return os.stat_result((kind, 1, 1, 1, 0, 0, size, CHANGED, CHANGED, CHANGED))

    class Entry:
        """What scandir gives for a file."""

        def __init__(self, folder, shown, name):
            self.name, self.path, self._node = name, posixpath.join(shown, name), tree[folder + "/" + name]

        def is_dir(self, *, follow_symlinks=True):
            return self._node is None

        def is_file(self, *, follow_symlinks=True):
            return self._node is not None

        def is_symlink(self):
            return False

        def is_junction(self):
            return False

        def stat(self, *, follow_symlinks=True):
            return described(self._node)

        def inode(self):
            return 1

        def __fspath__(self):
            return self.path

        def __repr__(self):
            return "<DirEntry %r>" % self.name

    class Listing(list):
        """What scandir gives."""

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.clear()

        def __next__(self):
            if not self:
                raise StopIteration
            return self.pop(0)

        def __iter__(self):
            return self

        close = list.clear

    def folder(path):
        if find(path) is not None:
            refuse(errno.ENOTDIR, path)
        return path

    def low_mkdir(path, mode=0o777):
        writable(path)
        if path in tree:
            refuse(errno.EEXIST, path)
        add(path, None)

    def low_unlink(path):
        writable(path)
        node = find(path)
        if node is None:
            refuse(errno.EISDIR, path)
        used[0] -= len(node.data)
        del tree[path]

    def low_rmdir(path):
        writable(path)
        folder(path)
        if inside(path) or path in (OUT, TMP):
            refuse(errno.ENOTEMPTY, path)
        del tree[path]

    def low_rename(path, other):
        writable(path)
        node = find(path)
        if path == other:
            return
        writable(other)
        if other in tree and (tree[other] is None or node is None):
            refuse(errno.EEXIST, other)
        if other in tree:
            low_unlink(other)
        moved = [name for name in tree if name.startswith(path + "/")]
        add(other, node)
        for name in moved:
            tree[other + name[len(path) :]] = tree.pop(name)
        del tree[path]

    def low_access(path, mode, **_):
        return path in tree and not (mode & os.W_OK and path.startswith(AUTHORS))

    def low_chdir(path):
        here[0] = folder(path)

    def low_truncate(path, length):
        writable(path)
        find(path).resize(length)

    def nothing(path, *_, **__):
        writable(path)
        find(path)

    def never(path, *_, **__):
        refuse(errno.EPERM, path, "only files and folders can be made here: no links, no devices")

    def of_path(name, low, default=False):
        """The function of `os` called so: for our paths `low`, for others what it always was."""
        usual = real[name]
        defaults = (".",) if default else ()

        def taught(*given, **more):
            given = given or ((more.pop("path"),) if "path" in more else defaults)
            if more.get("dir_fd") is None and given and not (given[0].__class__ is int):
                path = ours(given[0] if given[0] is not None else ".")
                if path is not None:
                    return low(path, *given[1:], **{key: value for key, value in more.items() if key != "dir_fd"})
            return usual(*given, **more)

        taught.__name__ = taught.__qualname__ = name
        taught.__doc__ = usual.__doc__
        setattr(os, name, taught)

    def of_two(name, low):
        usual = real[name]

        def taught(src, dst, **more):
            one, other = ours(src), ours(dst)
            if one is None and other is None:
                return usual(src, dst, **more)
            if name in ("link", "symlink"):
                never(other or one)
            if one is None or other is None:
                refuse(errno.EXDEV, os.fspath(src))
            return low(one, other)

        taught.__name__ = taught.__qualname__ = name
        setattr(os, name, taught)

    def of_descriptor(name, low):
        usual = real[name]

        def taught(fd, *given):
            raw = descriptors.get(fd) if fd.__class__ is int else None
            return usual(fd, *given) if raw is None else low(raw, *given)

        taught.__name__ = taught.__qualname__ = name
        setattr(os, name, taught)

    def low_stat(path, *, follow_symlinks=True):
        return described(find(path))

    def low_readlink(path):
        find(path)
        refuse(errno.EINVAL, path)

    def low_scandir(path):
        return Listing(Entry(folder(path), shown_as[0], name) for name in inside(path))

    shown_as = ["."]
    of_path("scandir", low_scandir, True)
    taught_scandir = os.scandir

    def scandir(path="."):
        shown_as[0] = os.fspath(path) if path is not None and path.__class__ is not int else "."
        return taught_scandir(path)

    os.scandir = scandir
    for name, low in {
        "stat": low_stat,
        "lstat": low_stat,
        "readlink": low_readlink,
        "mkdir": low_mkdir,
        "unlink": low_unlink,
        "remove": low_unlink,
        "rmdir": low_rmdir,
        "access": low_access,
        "chdir": low_chdir,
        "truncate": low_truncate,
        "chmod": nothing,
        "utime": nothing,
        "mkfifo": never,
        "mknod": never,
    }.items():
        of_path(name, low)
    of_path("listdir", lambda path: inside(folder(path)), True)
    if "listxattr" in real:
        of_path("listxattr", lambda path, **_: [], True)
    for name in ("rename", "replace", "link", "symlink"):
        of_two(name, low_rename)
    of_descriptor("read", lambda raw, size: bytes(raw.read(size)))
    of_descriptor("write", lambda raw, data: raw.write(data))
    of_descriptor("fstat", lambda raw: described(raw._node))
    of_descriptor("lseek", lambda raw, at, how: raw.seek(at, how))
    of_descriptor("ftruncate", lambda raw, size: (raw.truncate(size), None)[1])
    of_descriptor("fsync", lambda raw: None)
    of_descriptor("isatty", lambda raw: False)

    def close(fd):
        raw = descriptors.pop(fd, None) if fd.__class__ is int else None
        return real["close"](fd) if raw is None else raw.close()

    os.close = close
    os.open = low_open
    os.getcwd = lambda: here[0]
    os.getcwdb = lambda: os.fsencode(here[0])
    builtins.open = io.open = open_file

    class Loader:
        """Imports a module of the author's."""

        def __init__(self, path):
            self.path = path

        def create_module(self, spec):
            return None

        def get_data(self, path):
            with open_file(path, "rb") as file:
                return file.read()

        def get_source(self, name):
            return self.get_data(self.path).decode("utf-8-sig")

        def exec_module(self, module):
            source = self.get_source(module.__name__)
            linecache.cache[self.path] = (len(source), None, source.splitlines(True), self.path)
            exec(compile(source, self.path, "exec", dont_inherit=True), module.__dict__)

    class Finder:
        """Finds modules in the challenge's files/ and the campaign's lib/, after all of Python's own."""

        places = ()

        @classmethod
        def find_spec(cls, name, path=None, target=None):
            last = name.rpartition(".")[2]
            for place in cls.places if path is None else path:
                base = "%s/%s" % (place, last)
                for file in (base + "/__init__.py", base + ".py"):
                    if tree.get(file) is not None:
                        package = file.endswith("/__init__.py")
                        spec = importlib.machinery.ModuleSpec(name, Loader(file), origin=file, is_package=package)
                        spec.has_location = True
                        if package:
                            spec.submodule_search_locations.append(base)
                        return spec
                if base in tree and tree[base] is None and base.startswith(AUTHORS + "/"):
                    spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
                    spec.submodule_search_locations.append(base)
                    return spec
            return None

    sys.meta_path.append(Finder)

    def fill(script, files):
        """Puts an author's files where the script finds them; `files` are paths and contents. Answers the script's path."""
        whole = posixpath.normpath(AUTHORS + "/" + script)
        beside = posixpath.dirname(whole)
        if not beside.startswith(AUTHORS):
            beside = AUTHORS
        Finder.places = (beside + "/files", AUTHORS + "/lib")
        held = [(AUTHORS if path.startswith("lib/") else beside, path, content) for path, content in files]
        for root, path, content in held:
            node = tree[root + "/" + path] = Node()
            node.data = bytearray(content)
        for root, path, _ in [*held, (beside, "", b"")]:
            parent = posixpath.dirname(root + "/" + path)
            while parent not in tree:
                tree[parent] = None
                parent = posixpath.dirname(parent)
        here[0] = beside
        return whole

    def made():
        """What the script has left in QUESTHALL_OUT, by name; also what it has not closed."""
        for writer in writers:
            file = writer()
            if file is not None and not file.closed:
                file.flush()
        names = sorted(name for name, node in tree.items() if name.startswith(OUT + "/") and node is not None)
        return [(name[len(OUT) + 1 :], bytes(tree[name].data)) for name in names]

    return fill, made
