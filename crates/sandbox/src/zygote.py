"""The zygote: one Python per worker that imports the library once and forks once per script.

Executed by `jail.rs`, which has confined the process already. Descriptor 0 is the control
socket (SOCK_SEQPACKET) to the server, 1 is /dev/null, 2 is a pipe on which the server hears why we died.

Control messages, server to zygote:
    first      JSON {"filter": hex or null, "paths": [...], "preload": [...]}
    "r A B C"  run: CPU soft and hard limit (seconds), address space (bytes; 0 for none), with 5 or 6
               descriptors: job, stdout, stderr, report, made and, optionally, stdin
    "x" / "k"  SIGXCPU / SIGKILL to the running child
and back: "ready {...}" once, then "done STATUS UTIME STIME MAXRSS" (microseconds, kilobytes) per run.

The zygote itself never reads a job: what one script was must not lie in the heap that the next one inherits.
So the job's descriptor goes to the child, which reads it after it has locked itself in.
"""

import sys


def zygote():
    import os

    # Modules ask to be told of forks, to make their locks anew and their random numbers different. This process has
    # one thread, so no lock is held when it forks, and `random` is seeded anyway: spare every run their work.
    register_at_fork, os.register_at_fork = os.register_at_fork, lambda **functions: None

    import _sitebuiltins
    import builtins
    import ctypes
    import faulthandler
    import gc
    import io
    import json
    import linecache
    import random
    import resource
    import select
    import signal
    import socket
    import traceback
    import types

    REPORT, JOB, MADE = 20, 21, 22
    SIGXCPU, SIGKILL = signal.SIGXCPU, signal.SIGKILL

    control = socket.socket(fileno=os.dup(0))
    # The scripts' standard streams, made once. Python looks at what a descriptor is when it makes a stream on it, so
    # each is made on a pipe: input at its end, for nobody writes to it, and output that nobody reads.
    for number, end in ((0, 0), (1, 1)):
        pipe = os.pipe()
        os.dup2(pipe[end], number)
        os.close(pipe[0])
        os.close(pipe[1])
    sys.stdin = sys.__stdin__ = open(0, "r", encoding="utf-8", closefd=False)
    stdout = sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)
    stderr = io.TextIOWrapper(
        open(2, "wb", buffering=0, closefd=False), encoding="utf-8", errors="backslashreplace", write_through=True
    )
    sys.stderr = sys.__stderr__ = stderr
    setup = json.loads(control.recv(1 << 18))
    # Before anything else is imported that remembers how files are opened.
    fill_files, made_files = private_files()
    sys.path.extend(setup["paths"])
    for name in setup["preload"]:
        try:
            __import__(name)
        except ImportError:
            pass
    os.register_at_fork = register_at_fork
    # `site` makes these, which would also look for the machine's packages. Many scripts end by them.
    for name in ("exit", "quit"):
        setattr(builtins, name, _sitebuiltins.Quitter(name, "the end of the script"))

    class Instruction(ctypes.Structure):
        _fields_ = [("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32)]

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_uint16), ("filter", ctypes.POINTER(Instruction))]

    libc = ctypes.CDLL(None, use_errno=True)
    prctl = libc.prctl
    prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]
    prctl.restype = ctypes.c_int
    PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 1, 4, 22, 2
    # Where /proc is to be seen, it shows nothing of us to processes of the same user: our scripts, and others'.
    prctl(PR_SET_DUMPABLE, 0, None, 0, 0)
    program = None
    if setup["filter"] is not None:
        raw = bytes.fromhex(setup["filter"])
        instructions = (Instruction * (len(raw) // 8)).from_buffer_copy(raw)
        program = Program(len(instructions), instructions)
    program_address = ctypes.addressof(program) if program is not None else None

    seed_random = random.seed
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        from hashlib import sha512

        def seed_numpy(seed):
            digest = sha512(seed.encode()).digest()
            words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 64, 4)]
            numpy.random.seed(words)
            root = numpy.random.SeedSequence(words)
            make = numpy.random.default_rng
            # Asked for a generator without a seed, numpy would take the machine's entropy.
            numpy.random.default_rng = lambda seed=None: make(root.spawn(1)[0] if seed is None else seed)
    else:

        def seed_numpy(seed):
            pass

    def shift_clock(seconds):
        """Lets the script live on another day: whoever reads the clock then makes something else."""
        import datetime
        import time

        def later(name, unit):
            real = getattr(time, name)
            setattr(time, name, lambda: real() + seconds * unit)

        def of_now(name, make):
            real = getattr(time, name)
            setattr(time, name, lambda moment=None: real(make() if moment is None else moment))

        def later_clock(clock, real=time.clock_gettime):
            return real(clock) + (seconds if clock == time.CLOCK_REALTIME else 0)

        later("time", 1)
        later("time_ns", 1_000_000_000)
        time.clock_gettime = later_clock
        for name in ("localtime", "gmtime", "ctime"):
            of_now(name, time.time)
        of_now("asctime", time.localtime)
        strftime = time.strftime
        time.strftime = lambda form, moment=None: strftime(form, time.localtime() if moment is None else moment)

        # The real ones know the clock by themselves, and take no new methods: so others stand in their place that
        # nobody can tell from them.
        real_date, real_datetime, delta = datetime.date, datetime.datetime, datetime.timedelta(seconds=seconds)

        class Kind(type):
            def __instancecheck__(cls, thing):
                return type.__instancecheck__(cls, thing) or (cls in stand_ins and isinstance(thing, stand_ins[cls]))

            def __subclasscheck__(cls, other):
                return type.__subclasscheck__(cls, other) or (cls in stand_ins and issubclass(other, stand_ins[cls]))

        class Date(real_date, metaclass=Kind):
            @classmethod
            def today(cls):
                return cls.fromtimestamp(time.time())

            def __repr__(self):
                return "datetime." + real_date.__repr__(self)

        class DateTime(real_datetime, metaclass=Kind):
            @classmethod
            def now(cls, tz=None):
                return super().now(tz) + delta

            @classmethod
            def today(cls):
                return cls.now()

            @classmethod
            def utcnow(cls):
                return super().utcnow() + delta

            def __repr__(self):
                return "datetime." + real_datetime.__repr__(self)

            def date(self):
                return Date(self.year, self.month, self.day)

        stand_ins = {Date: real_date, DateTime: real_datetime}
        for stand_in, real in stand_ins.items():
            stand_in.__name__ = stand_in.__qualname__ = real.__name__
            stand_in.__module__, stand_in.__doc__ = "datetime", real.__doc__
            for name in ("min", "max"):
                setattr(stand_in, name, getattr(real, name))
            setattr(datetime, real.__name__, stand_in)

    def write_all(fd, data, write=os.write):
        while data:
            data = data[write(fd, data) :]

    def describe(error, file_name):
        """What went wrong, for the script's author: JSON, bounded, whatever the exception's own methods do."""
        kind = type(error).__name__
        try:
            message = str(error)
        except BaseException:
            message = "(the exception's text could not be made)"
        line = None
        if isinstance(error, SyntaxError) and error.filename == file_name:
            line = error.lineno
            message = "%s (read by Python %d.%d.%d)" % (error.msg, *sys.version_info[:3])
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename != file_name:
            trace = trace.tb_next
        at = trace
        while at is not None:
            if at.tb_frame.f_code.co_filename == file_name:
                line = at.tb_lineno
            at = at.tb_next
        try:
            text = "".join(traceback.format_exception(type(error), error, trace, limit=-20))
        except BaseException:
            text = kind
        return {
            "kind": kind,
            "errno": error.errno if isinstance(error, OSError) and type(error.errno) is int else 0,
            "memory": isinstance(error, MemoryError),
            "message": message[:4000],
            "line": line,
            "traceback": text[-16000:],
        }

    def child(
        fds, soft, hard, space, leave=os._exit, describe=describe, write_all=write_all, dumps=json.dumps, loads=json.loads
    ):
        # Whatever goes wrong before the "A" below is the jail's fault, and the server knows it by the missing "A".
        job, out, err, report, made = fds[:5]
        os.dup2(report, REPORT)
        os.dup2(job, JOB)
        os.dup2(made, MADE)
        if len(fds) > 5:
            os.dup2(fds[5], 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.closerange(3, REPORT)
        os.closerange(MADE + 1, 256)
        if prctl(PR_SET_PDEATHSIG, SIGKILL, None, 0, 0) != 0:
            leave(96)
        if space:
            resource.setrlimit(resource.RLIMIT_AS, (space, space))
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
        if program_address is not None and prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program_address, 0, 0) != 0:
            leave(97)

        job, size = b"", os.lseek(JOB, 0, os.SEEK_END)
        while len(job) < size:
            job += os.pread(JOB, size - len(job), len(job))
        os.close(JOB)
        head, job = job.split(b"\n", 1)
        name_end, seed_end, script_end, index_end, clock_shift = map(int, head.split())
        name, seed = job[:name_end].decode(), job[name_end:seed_end].decode()
        script = job[seed_end:script_end].decode().removeprefix("\ufeff")
        files, at = [], index_end
        for path, length in loads(job[script_end:index_end]):
            files.append((path, job[at : at + length]))
            at += length
        whole = fill_files(name, files)
        del job, files

        os.environ["QUESTHALL_SEED"] = seed
        os.environ["QUESTHALL_OUT"] = "/out"
        sys.argv = [whole]
        seed_random(seed)
        seed_numpy(seed)
        if clock_shift:
            shift_clock(clock_shift)
        # @dataclass and pickle look the script's module up by its name.
        module = types.ModuleType("__main__")
        module.__file__ = whole
        module.__builtins__ = builtins
        sys.modules["__main__"] = module
        linecache.cache[name] = (len(script), None, script.splitlines(True), name)
        write_all(REPORT, b"A")

        status, failure = 0, None
        try:
            exec(compile(script, name, "exec", dont_inherit=True), module.__dict__)
        except SystemExit as error:
            code = error.code
            if code is not None and code != 0:
                failure = describe(error, name)
                failure["kind"] = "SystemExit"
        except BaseException as error:
            failure = describe(error, name)
        if failure is None:
            try:
                import atexit

                atexit._run_exitfuncs()
                sys.stdout.flush()
                if sys.stdout is not stdout and not stdout.closed:
                    stdout.flush()
                made = made_files()
                if made:
                    write_all(MADE, dumps([[path, len(content)] for path, content in made]).encode() + b"\n")
                    for _, content in made:
                        write_all(MADE, content)
            except BaseException as error:
                failure = describe(error, name)
        if failure is not None:
            status = 1
            try:
                stdout.flush()
            except BaseException:
                pass
            write_all(REPORT, dumps(failure).encode("utf-8", "replace"))
        leave(status)

    def guarded_child(fds, soft, hard, space, leave=os._exit):
        try:
            child(fds, soft, hard, space)
        except BaseException:
            traceback.print_exc(file=sys.__stderr__)
        finally:
            leave(98)

    # In a script's process: say which line it is at when its time is up, or when the interpreter crashes. Here, where
    # nothing has that number, nothing is written.
    faulthandler.register(SIGXCPU, file=REPORT, all_threads=False, chain=False)
    faulthandler.enable(file=REPORT, all_threads=False)

    found = {
        "version": "%d.%d.%d" % sys.version_info[:3],
        "numpy": getattr(numpy, "__version__", None),
        "hash_seed": os.environ.get("PYTHONHASHSEED"),
    }
    os.environ.clear()
    sys.orig_argv = []
    listener = select.poll()
    listener.register(control, select.POLLIN)
    gc.collect()
    gc.freeze()
    control.send(b"ready " + json.dumps(found).encode())

    while True:
        message, fds, _, _ = socket.recv_fds(control, 256, 8)
        if not message:
            os._exit(0)
        if message[:1] != b"r":
            continue  # an order to stop a child that had ended already
        soft, hard, space = map(int, message.split()[1:])
        pid = os.fork()
        if pid == 0:
            os.close(control.fileno())
            guarded_child(fds, soft, hard, space)
        for fd in fds:
            os.close(fd)
        pidfd = os.pidfd_open(pid)
        listener.register(pidfd, select.POLLIN)
        running = True
        while running:
            for fd, _ in listener.poll():
                if fd == pidfd:
                    running = False
                    continue
                order = control.recv(16)
                if order == b"x":
                    signal.pidfd_send_signal(pidfd, SIGXCPU)
                else:
                    signal.pidfd_send_signal(pidfd, SIGKILL)
                    if not order:
                        os._exit(0)  # the server is gone
        listener.unregister(pidfd)
        os.close(pidfd)
        _, status, usage = os.wait4(pid, 0)
        control.send(
            b"done %d %d %d %d"
            % (status, int(usage.ru_utime * 1e6), int(usage.ru_stime * 1e6), usage.ru_maxrss)
        )


zygote()
