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

/// What the library is preloaded with: what generators use, and what those modules import late. On the lowest rung
/// nothing else can be imported.
pub(crate) const PRELOAD: &str = "\
    abc argparse array ast atexit base64 binascii bisect bz2 calendar cmath codecs collections collections.abc \
    colorsys contextlib contextvars copy copyreg csv ctypes dataclasses datetime decimal difflib dis enum errno \
    fnmatch fractions functools gc getopt glob graphlib hashlib heapq hmac html html.entities inspect io ipaddress \
    itertools json keyword linecache locale logging lzma math mmap numbers opcode operator os os.path pathlib pickle \
    platform pprint queue random re reprlib resource sched secrets select selectors shlex shutil signal socket stat \
    statistics string struct subprocess sys tempfile textwrap threading time timeit token tokenize traceback types \
    typing unicodedata urllib.parse uuid warnings weakref zlib zoneinfo _strptime _pydecimal _pydatetime \
    encodings.ascii encodings.idna encodings.latin_1 encodings.utf_16 encodings.utf_32 encodings.utf_8 \
    encodings.utf_8_sig encodings.cp1252 encodings.cp437 encodings.hex_codec encodings.rot_13 stringprep \
    string.templatelib concurrent.futures concurrent.futures.thread multiprocessing";

/// The parts of numpy, where there is one. It would import them when they are first used.
pub(crate) const NUMPY: &str = "numpy numpy.fft numpy.linalg numpy.random";
