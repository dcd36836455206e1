//! What the server tells a zygote about the jail to build around itself: the first message on its control socket.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Rung;
use crate::interpreter::Interpreter;

/// The largest plan, and the largest set-up message, in bytes.
pub(crate) const MESSAGE_MAX: usize = 1 << 18;

/// The second argument that makes our binary a zygote.
pub(crate) const ASK: &str = "--questhall-sandbox-zygote";

/// The user and group that root becomes.
pub(crate) const NOBODY: u32 = 65_534;

/// The hash seed of every ordinary run, and the other one that a check uses.
pub(crate) const HASH_SEEDS: [u32; 2] = [0, 4_242];

/// The jail to build, and what to become in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) rung: Rung,
    pub(crate) python: Interpreter,
    pub(crate) hash_seed: u32,
}

/// What the zygote itself is told, once it is Python.
#[derive(Debug, Serialize)]
pub(crate) struct Setup<'a> {
    /// The seccomp program for the scripts, in hex.
    pub(crate) filter: Option<String>,
    /// Folders to add to `sys.path`.
    pub(crate) paths: &'a [PathBuf],
    /// Modules to import before the first script.
    pub(crate) preload: Vec<&'static str>,
}

/// Imported before the first script: what generators use, and what those modules import late. Each of them makes every
/// fork a little dearer.
pub(crate) const COMMON: &str = "\
    abc array base64 bisect calendar cmath collections collections.abc colorsys contextlib copy ctypes dataclasses \
    datetime decimal enum fractions functools graphlib hashlib heapq io itertools json keyword linecache math numbers \
    operator os os.path pprint queue random re secrets statistics string struct sys textwrap threading time traceback \
    types typing unicodedata uuid warnings weakref zlib _strptime encodings.ascii encodings.latin_1 encodings.utf_8 \
    string.templatelib";

/// Imported beforehand as well on the lowest rung, where a script cannot import anything else. On the others they are
/// imported when a script does.
pub(crate) const RARE: &str = "\
    argparse ast atexit binascii bz2 codecs contextvars copyreg csv difflib dis errno fcntl fnmatch gc getopt glob hmac \
    html html.entities inspect ipaddress locale logging lzma mmap opcode pathlib pickle platform reprlib resource \
    sched select selectors shlex shutil signal socket stat subprocess tempfile termios timeit token tokenize \
    urllib.parse zoneinfo _pydecimal _pydatetime encodings.idna encodings.utf_16 encodings.utf_32 \
    encodings.utf_8_sig encodings.cp1252 encodings.cp437 encodings.hex_codec encodings.rot_13 stringprep \
    concurrent.futures concurrent.futures.thread multiprocessing sqlite3 ssl gzip tarfile zipfile";

/// The parts of numpy, where there is one. It would import them when they are first used.
pub(crate) const NUMPY: &str = "numpy numpy.fft numpy.linalg numpy.random";
