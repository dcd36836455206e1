//! Secrets that have to be read again, such as the keys of webhooks and leave to ask Discord, as the database keeps them:
//! sealed with AES-256-GCM, by a key that is not in the database. A copy of the database alone opens none of them.
//!
//! What is sealed is bound to where it belongs ([`Vault::seal`]'s `context`): moved into another row, it does not open.
//!
//! A key is 32 bytes in Base64. Keys come from a setting, else from a file with mode 0600, made when it is first
//! needed. There may be several, one a line: the first seals, all of them open, so that a key can be rotated.

mod agreement;

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use sha2::{Digest as _, Sha256};

pub use agreement::{KeyError, discord_leave_heads, discord_leaves_foreign, key_adopt, key_agreed, key_note};

/// The first byte of what is sealed: AES-256-GCM, a key's id, a nonce, the ciphertext with its tag.
const VERSION: u8 = 1;
const KEY_BYTES: usize = 32;
/// Of a key's SHA-256: tells which of several keys sealed something, and nothing else about it.
const ID_BYTES: usize = 4;
const HEAD: usize = 1 + ID_BYTES + NONCE_LEN;
/// Of what is sealed: what tells the key.
const MARK: usize = 1 + ID_BYTES;

/// Why something cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The keys cannot be read.
    #[error("the key of the installation's secrets in {0} cannot be used: {1}")]
    File(PathBuf, io::Error),
    /// They are not keys.
    #[error("secrets.key must hold 32 bytes in Base64 a line, as `openssl rand -base64 32` makes them")]
    NoKey,
    /// Sealed by a key that is not here.
    #[error(
        "a secret was sealed with the key {0}, which this node does not have: give every node the same secrets.key"
    )]
    UnknownKey(String),
    /// Altered, moved, or never sealed.
    #[error("a sealed secret is damaged, or was moved from where it belongs")]
    Damaged,
    /// No randomness from the system.
    #[error("the system gives no randomness")]
    NoRandomness,
}

impl From<VaultError> for kernel::Problem {
    fn from(error: VaultError) -> Self {
        Self::internal(&error)
    }
}

/// The keys, and what they seal. Cheap to clone; shows no key.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    file: Option<PathBuf>,
    keys: OnceLock<Vec<Key>>,
}

struct Key {
    id: [u8; ID_BYTES],
    key: LessSafeKey,
}

impl Vault {
    /// With these keys, one a line; the first seals.
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        let keys = parse(text)?;
        Ok(Self(Arc::new(Inner { file: None, keys: OnceLock::from(keys) })))
    }

    /// With the keys of this file, which is read when they are needed, and made if it is not there then.
    pub fn in_file(path: &Path) -> Self {
        Self(Arc::new(Inner { file: Some(path.to_owned()), keys: OnceLock::new() }))
    }

    /// With a key of this process, which goes with it: for tests, and where nothing is kept.
    pub fn ephemeral() -> Self {
        static OURS: OnceLock<Vault> = OnceLock::new();
        OURS.get_or_init(|| Self(Arc::new(Inner { file: None, keys: OnceLock::new() }))).clone()
    }

    /// Seals a secret that belongs to `context`, such as a table and a row's key. Every time anew: two sealings of the same
    /// differ.
    pub fn seal(&self, context: &str, secret: &[u8]) -> Result<Vec<u8>, VaultError> {
        let key = self.keys()?.first().ok_or(VaultError::NoKey)?;
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| VaultError::NoRandomness)?;
        let mut sealed = secret.to_vec();
        let tag = key
            .key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| VaultError::Damaged)?;
        let mut whole = Vec::with_capacity(HEAD + sealed.len() + tag.as_ref().len());
        whole.push(VERSION);
        whole.extend(key.id);
        whole.extend(nonce);
        whole.extend(sealed);
        whole.extend(tag.as_ref());
        Ok(whole)
    }

    /// What was sealed for `context`.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let (head, body) = sealed.split_at_checked(HEAD).ok_or(VaultError::Damaged)?;
        let (id, nonce) = (&head[1..=ID_BYTES], &head[1 + ID_BYTES..]);
        if head[0] != VERSION {
            return Err(VaultError::Damaged);
        }
        let key = self.keys()?.iter().find(|key| key.id == id);
        let key = key.ok_or_else(|| VaultError::UnknownKey(hex(id)))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::Damaged)?;
        let mut body = body.to_vec();
        let opened = key.key.open_in_place(nonce, Aad::from(context.as_bytes()), &mut body);
        Ok(opened.map_err(|_| VaultError::Damaged)?.to_vec())
    }

    /// How everything begins that the key that seals now has sealed: what begins otherwise is to be sealed anew, so that
    /// older keys can go.
    pub fn mark(&self) -> Result<Vec<u8>, VaultError> {
        self.heads()?.into_iter().next().ok_or(VaultError::NoKey)
    }

    /// How everything begins that one of the keys here has sealed, whichever: five bytes a key.
    pub fn heads(&self) -> Result<Vec<Vec<u8>>, VaultError> {
        Ok(self.keys()?.iter().map(|key| [&[VERSION][..], &key.id].concat()).collect())
    }

    /// Whether there are keys, without making one.
    pub fn has_keys(&self) -> bool {
        self.0.keys.get().is_some() || self.0.file.as_ref().is_none_or(|path| path.exists())
    }

    fn keys(&self) -> Result<&[Key], VaultError> {
        if let Some(keys) = self.0.keys.get() {
            return Ok(keys);
        }
        let keys = match &self.0.file {
            Some(path) => read_or_make(path)?,
            None => parse(&generate()?)?,
        };
        // Whoever comes second takes the first one's: of a file both have read the same.
        Ok(self.0.keys.get_or_init(|| keys))
    }
}

impl Default for Vault {
    fn default() -> Self {
        Self::ephemeral()
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}

/// The same one.
impl PartialEq for Vault {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Vault {}

fn parse(text: &str) -> Result<Vec<Key>, VaultError> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys: Vec<Key> = lines.map(key).collect::<Result<_, _>>()?;
    if keys.is_empty() { Err(VaultError::NoKey) } else { Ok(keys) }
}

fn key(line: &str) -> Result<Key, VaultError> {
    let bytes =
        STANDARD.decode(line).ok().filter(|bytes| bytes.len() == KEY_BYTES).ok_or(VaultError::NoKey)?;
    let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| VaultError::NoKey)?;
    let mut id = [0; ID_BYTES];
    id.copy_from_slice(&Sha256::digest(&bytes)[..ID_BYTES]);
    Ok(Key { id, key: LessSafeKey::new(key) })
}

fn generate() -> Result<String, VaultError> {
    let mut bytes = [0; KEY_BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| VaultError::NoRandomness)?;
    Ok(STANDARD.encode(bytes))
}

fn read_or_make(path: &Path) -> Result<Vec<Key>, VaultError> {
    let failed = |error| VaultError::File(path.to_owned(), error);
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make(path, &generate()?).map_err(failed)?;
            // Perhaps another process's: whoever was first has made it.
            parse(&read(path).map_err(failed)?)
        }
        read => parse(&read.map_err(failed)?),
    }
}

fn read(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        return Err(io::Error::other("others may read it; `chmod 600` it, and think of rotating it"));
    }
    fs::read_to_string(path)
}

/// Whole or not at all, and never over another.
fn make(path: &Path, key: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    let written =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft).and_then(
            |mut file| {
                writeln!(
                    file,
                    "# Seals the secrets in Questhall's database: keep a copy apart from the database's."
                )?;
                writeln!(file, "{key}")?;
                file.sync_all()
            },
        );
    let linked = written.and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let removed = fs::remove_file(&draft);
    linked.and(removed)
}

/// Which key has sealed this: the beginning of its hash.
fn tell(sealed: &[u8]) -> String {
    sealed.get(1..MARK).map_or_else(|| "unknown".to_owned(), hex)
}

fn hex(id: &[u8]) -> String {
    id.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const OTHER: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

    #[test]
    fn what_is_sealed_opens_where_it_belongs_and_nowhere_else() {
        let vault = Vault::parse(ONE).unwrap();
        let sealed = vault.seal("a row", b"a secret").unwrap();
        assert_eq!(vault.open("a row", &sealed).unwrap(), b"a secret");
        assert!(!sealed.windows(8).any(|bytes| bytes == b"a secret"));
        assert_ne!(sealed, vault.seal("a row", b"a secret").unwrap());
        assert!(matches!(vault.open("another row", &sealed), Err(VaultError::Damaged)));
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(vault.open("a row", &altered).is_err(), "byte {at}");
            assert!(vault.open("a row", &sealed[..at]).is_err(), "{at} bytes");
        }
        assert_eq!(vault.open("a row", &vault.seal("a row", b"").unwrap()).unwrap(), b"");
    }

    #[test]
    fn keys_are_rotated_by_putting_a_new_one_before_the_old() {
        let sealed = Vault::parse(ONE).unwrap().seal("x", b"secret").unwrap();
        let both = Vault::parse(&format!("# the new one\n{OTHER}\n\n{ONE}\n")).unwrap();
        assert_eq!(both.open("x", &sealed).unwrap(), b"secret");
        assert!(!sealed.starts_with(&both.mark().unwrap()));
        let anew = both.seal("x", b"secret").unwrap();
        assert!(anew.starts_with(&both.mark().unwrap()));
        let new = Vault::parse(OTHER).unwrap();
        assert_eq!(new.open("x", &anew).unwrap(), b"secret");
        assert!(matches!(new.open("x", &sealed), Err(VaultError::UnknownKey(id)) if id == "630dcd29"));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "# nothing", "short", &ONE[..40], &format!("{ONE}\nnonsense")] {
            assert!(matches!(Vault::parse(text), Err(VaultError::NoKey)), "{text}");
        }
    }

    #[test]
    fn the_file_is_made_once_for_its_owner_only() {
        let folder = std::env::temp_dir().join(format!("questhall-vault-{}", std::process::id()));
        let path = folder.join("data/secrets.key");
        let (one, other) = (Vault::in_file(&path), Vault::in_file(&path));
        assert!(!path.exists(), "not before there is a secret");
        let sealed = one.seal("x", b"secret").unwrap();
        assert_eq!(other.open("x", &sealed).unwrap(), b"secret");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing else is left");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let told = Vault::in_file(&path).open("x", &sealed).unwrap_err().to_string();
        assert!(told.contains("others may read it"), "{told}");
        fs::remove_dir_all(folder).unwrap();
    }
}
