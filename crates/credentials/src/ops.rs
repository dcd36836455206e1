//! What the faces call: each operation is a transaction.

mod badges;
mod holders;
mod issue;
mod public;

use access::{HttpSettings, Vault};
use kernel::GuildId;

use crate::error::Error;
use crate::rules::document::Addresses;

pub use access::Author;
pub use badges::{badge_create, badge_get, badge_image_put, badge_list, badge_update};
pub use holders::{
    credential_baked, credential_document, credential_list, credential_mine, credential_reissue,
    credential_revoke,
};
pub use issue::{credential_issue, issue_earned, issue_missing, key_list, key_rotate};
pub use public::{achievement, achievement_image, jwk, jwks, profile, status_list, verification};

/// What issuing takes: what opens the keys, and the address that documents name.
#[derive(Debug, Clone, Copy)]
pub struct Issuing<'a> {
    /// What seals and opens the issuers' keys.
    pub vault: &'a Vault,
    /// How the installation is reached from outside.
    pub public_url: Option<&'a str>,
}

impl<'a> Issuing<'a> {
    /// As the operator chose.
    pub fn of(http: &'a HttpSettings) -> Self {
        Self { vault: &http.vault, public_url: http.public_url.as_deref() }
    }

    fn addresses(&self, guild: GuildId) -> Result<Addresses, Error> {
        self.public_url.map(|url| Addresses::new(url, guild)).ok_or(Error::NoAddress)
    }
}
