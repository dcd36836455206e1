//! Files that authors hand out: how a bundle carries them, what their names promise, how they stand in addresses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A file in a bundle: its text, or what it holds in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FileBundle {
    /// Its path, with slashes; that of a file that is downloaded is a name.
    #[schema(example = "words.txt")]
    pub path: String,
    /// What it holds, where that is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What it holds, where that is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

impl FileBundle {
    /// A file of this path that holds this.
    pub fn new(path: impl Into<String>, content: &[u8]) -> Self {
        let path = path.into();
        match std::str::from_utf8(content) {
            Ok(text) if !text.contains('\0') => Self { path, text: Some(text.to_owned()), base64: None },
            _ => Self { path, text: None, base64: Some(STANDARD.encode(content)) },
        }
    }

    /// What it holds.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn content(&self) -> Result<Vec<u8>, &'static str> {
        match (&self.text, &self.base64) {
            (Some(text), None) => Ok(text.as_bytes().to_vec()),
            (None, Some(base64)) => STANDARD.decode(base64).map_err(|_| "`base64` holds something else"),
            _ => Err("must have either `text` or `base64`"),
        }
    }
}

/// What kind of file a name promises. What browsers would run is served as bytes.
pub fn media_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref().unwrap_or_default() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "svg" => "image/svg+xml",
        "txt" | "md" | "log" => "text/plain; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "json" => "application/json",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "gz" | "tgz" => "application/gzip",
        _ => "application/octet-stream",
    }
}

/// Whether a name promises a picture, which a page can show.
pub fn is_picture(name: &str) -> bool {
    media_type(name).starts_with("image/")
}

/// A name as a step of an address.
pub fn encoded(name: &str) -> String {
    use std::fmt::Write as _;
    name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// The name that a step of an address stands for; `None` where it stands for no text.
pub fn decoded(step: &str) -> Option<String> {
    let mut parts = step.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_steps_of_addresses() {
        assert_eq!(encoded("Größe (2).png"), "Gr%C3%B6%C3%9Fe%20%282%29.png");
        for broken in ["%", "%4", "%zz", "%+1", "%é", "%FF"] {
            assert_eq!(decoded(broken), None, "{broken}");
        }
        assert_eq!(
            (media_type("A.PNG"), media_type("x.html"), media_type("x")),
            ("image/png", "application/octet-stream", "application/octet-stream")
        );
        assert!(is_picture("a.svg") && !is_picture("a.svg.html"));
    }

    proptest! {
        #[test]
        fn a_name_comes_back_from_an_address_and_a_file_from_a_bundle(name in "\\PC{0,30}", content in any::<Vec<u8>>()) {
            prop_assert_eq!(decoded(&encoded(&name)), Some(name.clone()));
            prop_assert_eq!(FileBundle::new(name, &content).content(), Ok(content));
        }
    }
}
