//! Arms of people and squads, drawn from their ids: no picture comes from another host.

use std::fmt::{Display, Write as _};

use sha2::{Digest as _, Sha256};

use crate::html::Html;

/// The whole shield.
const SHIELD: &str = "M2 2h20v12c0 6-4 10-10 12C6 24 2 20 2 14z";
/// Parts of it that are of the second colour.
const DIVISIONS: [&str; 8] = [
    "M12 2h10v12c0 6-4 10-10 12z",
    "M2 13h20v1c0 6-4 10-10 12C6 24 2 20 2 14z",
    "M2 2h20L4.6 19.9C3 18.3 2 16.3 2 14z",
    "M9 2h6v22.700a18 18 0 0 1-3 1.3 18 18 0 0 1-3-1.300z",
    "M2 10h20v4q0 .9-.1 1.700H2.100Q2 14.9 2 14z",
    "M12 2h10v11H12zM2 13h10v13C6 24 2 20 2 14z",
    "M12 9l9.3 8.500q-.9 2-2.2 3.500L12 14.5 4.9 21q-1.3-1.5-2.2-3.500z",
    "M2 2h20v6H2z",
];
/// What stands upon it.
const CHARGES: [&str; 8] = [
    "M12 9a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
    "M12 7l4 6-4 6-4-6z",
    "M10.7 8h2.600v3.700H17v2.600h-3.700V18h-2.600v-3.700H7v-2.600h3.700z",
    "M12 7.500l1.5 3.9 4.2.2-3.3 2.6 1.1 4-3.5-2.2-3.5 2.2 1.1-4-3.3-2.6 4.2-.2z",
    "M7.5 9.500h9v7h-9z",
    "M12 8l5 9H7z",
    "M8 8.500a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.600zm8 0a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.600zm-4 6a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.600z",
    "M15.5 8.500a5 5 0 1 0 0 9 6.2 6.2 0 0 1 0-9z",
];
/// Colours of fields, dark enough for a light charge on either theme.
const TINCTURES: [&str; 7] = ["#0B7A6B", "#244272", "#722A25", "#7A3E94", "#8A5A0C", "#3F5A2A", "#4A545C"];
/// Colours of charges.
const METALS: [&str; 3] = ["#F4F1E4", "#E9C46A", "#CFE8E0"];

/// The arms of who bears this id: always the same, drawn in a line's height. It says nothing that a name beside it does not.
pub fn arms(id: impl Display) -> Html {
    let hash = Sha256::digest(id.to_string().as_bytes());
    let pick = |n: usize, of: usize| usize::from(hash[n]) % of;
    let field = pick(0, TINCTURES.len());
    // Another colour than the field's.
    let second = (field + 1 + pick(1, TINCTURES.len() - 1)) % TINCTURES.len();
    let mut svg = String::from(
        "<svg class=\"sigil\" viewBox=\"0 0 24 28\" width=\"24\" height=\"28\" aria-hidden=\"true\">",
    );
    // Writing to a String cannot fail.
    let _ = write!(
        svg,
        "<path fill=\"{}\" d=\"{SHIELD}\"/><path fill=\"{}\" d=\"{}\"/><path fill=\"{}\" d=\"{}\"/>\
         <path class=\"rim\" fill=\"none\" d=\"{SHIELD}\"/></svg>",
        TINCTURES[field],
        TINCTURES[second],
        DIVISIONS[pick(2, DIVISIONS.len())],
        METALS[pick(3, METALS.len())],
        CHARGES[pick(4, CHARGES.len())],
    );
    Html::trusted(svg)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn arms_follow_from_the_id_and_differ() {
        assert_eq!(arms(7), arms(7));
        let different: BTreeSet<String> = (1..=200).map(|id| arms(id).to_string()).collect();
        assert!(different.len() > 180, "{}", different.len());
    }

    #[test]
    fn an_id_cannot_write_markup() {
        let made = arms("\"><script>").to_string();
        assert!(!made.contains("script") && !made.contains("style="), "{made}");
    }
}
