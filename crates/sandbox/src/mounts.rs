//! A file system that holds only Python: a small read-only tmpfs into which the interpreter's own files are bound.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::statvfs::{FsFlags, fstatvfs};

use crate::interpreter::Interpreter;

/// What is to appear in the new root, held open so that nothing mounted meanwhile can hide it.
struct Source {
    path: PathBuf,
    file: File,
}

/// Replaces the root of this mount namespace, which must be our own, by one that holds only `python`.
pub(crate) fn become_only_python(python: &Interpreter) -> io::Result<()> {
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    let stdlib = open_all(python.stdlib.iter().map(PathBuf::as_path))?;
    let numpy = open_all(python.numpy.iter().map(PathBuf::as_path))?;
    let data = open_all(python.data.iter().map(PathBuf::as_path))?;
    let folders: Vec<&Path> = python.folders().collect();
    let files = open_all(
        python.files.iter().map(PathBuf::as_path).filter(|file| !folders.iter().any(|f| file.starts_with(f))),
    )?;
    let cache = open_all(std::iter::once(Path::new("/etc/ld.so.cache"))).unwrap_or_default();

    let root = mount_point(python)?;
    let inside = |path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
    tmpfs(&root)?;
    for (link, target) in top_level_links()? {
        symlink(target, inside(&link))?;
    }
    for source in &stdlib {
        bind(source, &inside(&source.path))?;
    }
    for packages in python.stdlib.iter().flat_map(|folder| {
        ["site-packages", "dist-packages"].map(|name| folder.join(name)).into_iter().filter(|p| p.is_dir())
    }) {
        let hidden = inside(&packages);
        tmpfs(&hidden)?;
        for source in numpy.iter().filter(|source| source.path.starts_with(&packages)) {
            bind(source, &inside(&source.path))?;
        }
        seal(&hidden)?;
    }
    for source in &numpy {
        if !python.stdlib.iter().any(|folder| source.path.starts_with(folder)) {
            bind(source, &inside(&source.path))?;
        }
    }
    for source in data.iter().chain(&files).chain(&cache) {
        bind(source, &inside(&source.path))?;
    }
    for (alias, file) in python.aliases() {
        if folders.iter().any(|folder| alias.starts_with(folder)) {
            continue;
        }
        if let Some(parent) = alias.parent() {
            fs::create_dir_all(inside(parent))?;
        }
        symlink(file, inside(&alias)).or_else(ignore_existing)?;
    }
    seal(&root)?;

    std::env::set_current_dir(&root)?;
    nix::unistd::pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    std::env::set_current_dir("/")
}

fn ignore_existing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) }
}

fn open_all<'a>(paths: impl Iterator<Item = &'a Path>) -> io::Result<Vec<Source>> {
    paths
        .map(|path| {
            let file = OpenOptions::new()
                .read(true)
                .custom_flags(libc::O_PATH | libc::O_CLOEXEC)
                .open(path)
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
            Ok(Source { path: path.to_owned(), file })
        })
        .collect()
}

/// A folder to build the new root on. What it holds is hidden meanwhile, so it must not hold Python.
fn mount_point(python: &Interpreter) -> io::Result<PathBuf> {
    let needed: BTreeSet<&Path> = python.folders().chain(python.files.iter().map(PathBuf::as_path)).collect();
    ["/mnt", "/media", "/srv", "/opt", "/tmp", "/var/tmp"]
        .map(PathBuf::from)
        .into_iter()
        .find(|folder| folder.is_dir() && !needed.iter().any(|path| path.starts_with(folder)))
        .ok_or_else(|| io::Error::other("no folder is free to build the jail's file system on"))
}

fn tmpfs(at: &Path) -> io::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("jail"), at, Some("tmpfs"), flags, Some("mode=0755,size=1m,nr_inodes=4096"))?;
    Ok(())
}

fn seal(tmpfs: &Path) -> io::Result<()> {
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(None::<&str>, tmpfs, None::<&str>, flags, Some("mode=0755"))?;
    Ok(())
}

/// Binds read-only. Flags that the original has cannot be taken off in a user namespace, so they are kept.
fn bind(source: &Source, target: &Path) -> io::Result<()> {
    let explain = |error: nix::Error| io::Error::other(format!("binding {}: {error}", source.path.display()));
    if source.path.is_dir() {
        fs::create_dir_all(target)?;
    } else {
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        OpenOptions::new().create(true).append(true).open(target)?;
    }
    let from = format!("/proc/self/fd/{}", source.file.as_raw_fd());
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(from.as_str()), target, None::<&str>, flags, None::<&str>).map_err(explain)?;
    let had = fstatvfs(&source.file).map_err(explain)?.flags();
    let mut flags =
        MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    for (has, keep) in [
        (FsFlags::ST_NOEXEC, MsFlags::MS_NOEXEC),
        (FsFlags::ST_NOATIME, MsFlags::MS_NOATIME),
        (FsFlags::ST_NODIRATIME, MsFlags::MS_NODIRATIME),
        (FsFlags::ST_RELATIME, MsFlags::MS_RELATIME),
    ] {
        if had.contains(has) {
            flags |= keep;
        }
    }
    mount(None::<&str>, target, None::<&str>, flags, None::<&str>).map_err(explain)
}

/// `/lib` and its like, where they are links: the loader's paths lead through them.
fn top_level_links() -> io::Result<Vec<(PathBuf, PathBuf)>> {
    let names = ["/bin", "/lib", "/lib32", "/lib64"].map(PathBuf::from);
    let links = names.into_iter().filter(|path| path.is_symlink());
    links.map(|link| fs::read_link(&link).map(|target| (link, target))).collect()
}
