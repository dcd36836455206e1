//! Landlock: what may be opened, connected and signalled, whatever the file system shows.

use std::io;
use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, PathBeneath, PathFd,
    Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetStatus, Scope,
};

use crate::interpreter::Interpreter;

/// Confines this process, for ever, to reading Python's own files. No TCP, no signals or abstract sockets beyond.
///
/// An older kernel enforces what it knows of this; the scripts' seccomp filter forbids the rest anyway.
///
/// # Errors
/// When the kernel enforces nothing, or a file of Python's cannot be opened.
pub(crate) fn confine(python: &Interpreter) -> io::Result<()> {
    let abi = ABI::V6;
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(abi)))
        .and_then(|rules| rules.scope(Scope::from_all(abi)))
        .and_then(Ruleset::create)
        .map_err(io::Error::other)?;
    for folder in &python.stdlib {
        rules = allow(rules, folder, AccessFs::ReadDir.into())?;
        for entry in folder.read_dir()? {
            let entry = entry?;
            let name = entry.file_name();
            let others = name == "site-packages" || name == "dist-packages" || name == "test";
            if !others && let Ok(whole) = entry.path().canonicalize() {
                let dir = whole.is_dir();
                let access =
                    if dir { AccessFs::ReadFile | AccessFs::ReadDir } else { AccessFs::ReadFile.into() };
                rules = allow(rules, &whole, access)?;
            }
        }
    }
    for folder in python.numpy.iter().chain(&python.data) {
        rules = allow(rules, folder, AccessFs::ReadFile | AccessFs::ReadDir)?;
    }
    if let Some(site) = &python.site {
        rules = allow(rules, site, AccessFs::ReadDir.into())?;
    }
    for file in &python.files {
        rules = allow(rules, file, AccessFs::ReadFile | AccessFs::Execute)?;
    }
    if let Ok(cache) = Path::new("/etc/ld.so.cache").canonicalize() {
        rules = allow(rules, &cache, AccessFs::ReadFile.into())?;
    }
    let status = rules.restrict_self().map_err(io::Error::other)?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err(io::Error::other("the kernel does not enforce Landlock"));
    }
    Ok(())
}

fn allow(rules: RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> io::Result<RulesetCreated> {
    let fd = PathFd::new(path).map_err(io::Error::other)?;
    rules.add_rule(PathBeneath::new(fd, access)).map_err(io::Error::other)
}
