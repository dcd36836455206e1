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

/// How large a picture is shown, in pixels: what a page keeps free for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PictureSize {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

impl PictureSize {
    /// What a picture says of itself; `None` of what is no picture by its name, or says nothing that can be.
    pub fn of(name: &str, content: &[u8]) -> Option<Self> {
        let (width, height) = match media_type(name) {
            "image/svg+xml" => drawn_size(std::str::from_utf8(content).ok()?)?,
            kind if kind.starts_with("image/") => {
                let size = imagesize::blob_size(content).ok()?;
                (u32::try_from(size.width).ok()?, u32::try_from(size.height).ok()?)
            }
            _ => return None,
        };
        let size = Self { width, height };
        size.can_be().then_some(size)
    }

    /// Whether a page can keep room for it: no side is nothing, or longer than JPEG's longest.
    pub fn can_be(self) -> bool {
        (1..=MAX_SIDE).contains(&self.width) && (1..=MAX_SIDE).contains(&self.height)
    }
}

/// The longest side of a picture that a page keeps room for, in pixels.
const MAX_SIDE: u32 = 65_535;

/// The most nodes of a drawing that is read for its size: reading takes some 100 bytes for each.
const MAX_NODES: u32 = 100_000;

/// The size of a drawing: what its `width` and `height` say in pixels, else its `viewBox`.
fn drawn_size(text: &str) -> Option<(u32, u32)> {
    let options = roxmltree::ParsingOptions { allow_dtd: true, nodes_limit: MAX_NODES, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(text, options).ok()?;
    let root = document.root_element();
    if root.tag_name().name() != "svg" {
        return None;
    }
    let pixels = |text: &str| text.trim().trim_end_matches("px").parse::<f64>().ok();
    let told = |name: &str| root.attribute(name).and_then(pixels);
    let sides = told("width").zip(told("height")).or_else(|| {
        let of = |c: char| c == ',' || c.is_ascii_whitespace();
        let sides: Vec<f64> = root.attribute("viewBox")?.split(of).filter_map(pixels).collect();
        Some((*sides.get(2)?, *sides.get(3)?))
    });
    let (width, height) = sides?;
    Some((whole(width)?, whole(height)?))
}

fn whole(side: f64) -> Option<u32> {
    let side = side.round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within what is asked of it")]
    (1.0..=f64::from(MAX_SIDE)).contains(&side).then_some(side as u32)
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

    #[test]
    fn pictures_say_how_large_they_are() {
        let size =
            |name: &str, content: &[u8]| PictureSize::of(name, content).map(|size| (size.width, size.height));
        let png = STANDARD
            .decode("iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAC0lEQVR4nGNgwA0AAB4AAfqTm9oAAAAASUVORK5CYII=")
            .unwrap();
        assert_eq!(size("a.png", &png), Some((2, 3)));
        // What it holds decides; what it is called decides whether it is one.
        assert_eq!(
            (size("a.jpg", &png), size("a.bin", &png), size("a.png", b"none")),
            (Some((2, 3)), None, None)
        );
        let drawn = |attributes: &str| {
            size("a.svg", format!("<svg xmlns=\"http://www.w3.org/2000/svg\" {attributes}/>").as_bytes())
        };
        assert_eq!(drawn("width=\"560\" height=\"189.6px\" viewBox=\"0 0 1 1\""), Some((560, 190)));
        assert_eq!(drawn("viewBox=\"0, 0 30 40\""), Some((30, 40)));
        // Editors write a document type before it; what is very large is not read for its size.
        let editor = "<?xml version=\"1.0\"?><!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"x\"><svg width=\"4\" height=\"3\"/>";
        assert_eq!(size("a.svg", editor.as_bytes()), Some((4, 3)));
        let large = format!("<svg width=\"4\" height=\"3\">{}</svg>", "<g/>".repeat(100_000));
        assert_eq!(size("a.svg", large.as_bytes()), None);
        assert_eq!(drawn("width=\"100%\" height=\"10em\" viewBox=\"0 0 30 40\""), Some((30, 40)));
        for nothing in [
            "",
            "viewBox=\"0 0 30\"",
            "width=\"0\" height=\"3\"",
            "width=\"1e9\" height=\"3\"",
            "width=\"NaN\" height=\"1\"",
        ] {
            assert_eq!(drawn(nothing), None, "{nothing}");
        }
        assert_eq!(
            (size("a.svg", b"<html/>"), size("a.svg", b"<svg"), size("a.svg", b"\xff")),
            (None, None, None)
        );
    }

    proptest! {
        #[test]
        fn a_name_comes_back_from_an_address_and_a_file_from_a_bundle(name in "\\PC{0,30}", content in any::<Vec<u8>>()) {
            prop_assert_eq!(decoded(&encoded(&name)), Some(name.clone()));
            prop_assert_eq!(FileBundle::new(name, &content).content(), Ok(content));
        }
    }
}
