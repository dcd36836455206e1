//! What administrators may choose, of all slices.

use access::keys::KeyPolicy;
use access::settings::{Described, Registry};
use community::ingest::LakeSettings;
use community::rewards::RewardSettings;

/// Every slice's groups of settings, as the API, the command line and docs/settings.md know them.
pub fn settings_registry() -> Registry {
    Registry::new([
        Described::of::<KeyPolicy>(),
        Described::of::<LakeSettings>(),
        Described::of::<RewardSettings>(),
    ])
}
