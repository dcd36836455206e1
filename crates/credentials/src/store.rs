//! SQL, a file per family. Callers own the connection and the transaction.

mod badges;
mod issued;
mod issuers;
mod keys;

pub use badges::{badge_get, badge_image, badge_list};
pub use issued::{Filter, credential_list};
pub use issuers::{IssuerLock, issuer_lock};
pub use keys::{KeyForeign, key_heads, keys_foreign, keys_reseal};

pub(crate) use badges::{badge_image_put, badge_insert, badge_lock, badge_update};
pub(crate) use issued::{
    Earned, NewCredential, credential_get, credential_revoke, credentials_insert, document_get, earned,
    guilds_badged, held_live, is_behind, revoked_places, standing_get,
};
pub(crate) use issuers::{guild_name, issuer_find, next_index_put};
pub(crate) use keys::{StoredKey, key_current, key_insert, key_open, key_retire, key_seal, keys_public};
