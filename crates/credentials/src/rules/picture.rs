//! Pictures: which PNGs badges may have, and baking a credential into one (Open Badges 3.0, section 5.3.1): an `iTXt` chunk named
//! `openbadgecredential` that holds the signed document.

use std::fmt;

/// The most bytes of a badge's picture.
pub const MOST_BYTES: usize = 131_072;
/// The most pixels along a side.
const MOST_PIXELS: u32 = 4_096;
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// What the chunk is named.
const KEYWORD: &[u8] = b"openbadgecredential";

/// Why something is no picture for a badge; follows the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Too many bytes.
    Large,
    /// No PNG.
    NoPng,
    /// Damaged or cut off.
    Damaged,
    /// Too many pixels, or none.
    Size,
    /// Something is baked into it already.
    Baked,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Large => write!(f, "must have at most {MOST_BYTES} bytes"),
            Self::NoPng => f.write_str("must be a PNG"),
            Self::Damaged => f.write_str("is a PNG that is damaged or cut off"),
            Self::Size => write!(f, "must have 1 to {MOST_PIXELS} pixels along each side"),
            Self::Baked => f.write_str("holds a credential already: take the picture without one"),
        }
    }
}

/// A chunk: its kind and what it holds.
struct Chunk<'a> {
    kind: &'a [u8],
    data: &'a [u8],
}

/// The chunks of a whole PNG, each with its checksum right, and nothing behind the last.
fn chunks(png: &[u8]) -> Result<Vec<Chunk<'_>>, Fault> {
    let mut rest = png.strip_prefix(SIGNATURE).ok_or(Fault::NoPng)?;
    let mut all = Vec::new();
    loop {
        let (length, after) = rest.split_first_chunk::<4>().ok_or(Fault::Damaged)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Fault::Damaged)?;
        let (checked, after) =
            length.checked_add(4).and_then(|whole| after.split_at_checked(whole)).ok_or(Fault::Damaged)?;
        let (sum, after) = after.split_first_chunk::<4>().ok_or(Fault::Damaged)?;
        if crc32fast::hash(checked) != u32::from_be_bytes(*sum) {
            return Err(Fault::Damaged);
        }
        let (kind, data) = checked.split_at(4);
        all.push(Chunk { kind, data });
        rest = after;
        if kind == b"IEND" {
            return if rest.is_empty() { Ok(all) } else { Err(Fault::Damaged) };
        }
    }
}

/// Whether a badge may have this picture.
pub fn check(png: &[u8]) -> Result<(), Fault> {
    if png.len() > MOST_BYTES {
        return Err(Fault::Large);
    }
    let chunks = chunks(png)?;
    let head =
        chunks.first().filter(|head| head.kind == b"IHDR" && head.data.len() == 13).ok_or(Fault::Damaged)?;
    let side = |at: usize| head.data[at..].first_chunk::<4>().map_or(0, |side| u32::from_be_bytes(*side));
    if ![side(0), side(4)].iter().all(|side| (1..=MOST_PIXELS).contains(side)) {
        return Err(Fault::Size);
    }
    if !chunks.iter().any(|chunk| chunk.kind == b"IDAT") {
        return Err(Fault::Damaged);
    }
    if chunks.iter().any(is_credential) {
        return Err(Fault::Baked);
    }
    Ok(())
}

fn is_credential(chunk: &Chunk<'_>) -> bool {
    chunk.kind == b"iTXt" && chunk.data.strip_prefix(KEYWORD).is_some_and(|rest| rest.first() == Some(&0))
}

/// The picture with a credential baked in, behind its head; where there was one, in its place.
pub fn bake(png: &[u8], credential: &str) -> Result<Vec<u8>, Fault> {
    let mut baked = SIGNATURE.to_vec();
    for chunk in chunks(png)?.iter().filter(|chunk| !is_credential(chunk)) {
        put(&mut baked, chunk.kind, chunk.data);
        if chunk.kind == b"IHDR" {
            // Not compressed; neither language nor translated keyword.
            let text = [KEYWORD, &[0, 0, 0, 0, 0], credential.as_bytes()].concat();
            put(&mut baked, b"iTXt", &text);
        }
    }
    Ok(baked)
}

fn put(png: &mut Vec<u8>, kind: &[u8], data: &[u8]) {
    let checked = [kind, data].concat();
    png.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    png.extend(&checked);
    png.extend(crc32fast::hash(&checked).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    /// A square of one colour.
    fn square(side: u32) -> Vec<u8> {
        let mut png = SIGNATURE.to_vec();
        put(&mut png, b"IHDR", &[&side.to_be_bytes()[..], &side.to_be_bytes(), &[8, 0, 0, 0, 0]].concat());
        let row = vec![0; usize::try_from(side.min(64)).unwrap() + 1];
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(&row.repeat(usize::try_from(side.min(64)).unwrap())).unwrap();
        put(&mut png, b"IDAT", &packed.finish().unwrap());
        put(&mut png, b"IEND", &[]);
        png
    }

    #[test]
    fn a_credential_is_baked_behind_the_head_and_replaced_when_baked_again() {
        let png = square(2);
        check(&png).unwrap();
        let baked = bake(&png, "a.b.c").unwrap();
        assert_eq!(check(&baked), Err(Fault::Baked));
        let all = chunks(&baked).unwrap();
        assert_eq!(all[1].data, b"openbadgecredential\0\0\0\0\0a.b.c");
        assert_eq!(bake(&baked, "a.b.c").unwrap(), baked);
        assert_eq!(chunks(&bake(&baked, "d").unwrap()).unwrap().len(), 4);
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        assert_eq!(check(b"<svg/>"), Err(Fault::NoPng));
        assert_eq!(check(&square(5_000)), Err(Fault::Size));
        assert_eq!(check(&square(0)), Err(Fault::Size));
        assert_eq!(check(&vec![0; MOST_BYTES + 1]), Err(Fault::Large));
        let mut behind = square(2);
        behind.push(0);
        assert_eq!(check(&behind), Err(Fault::Damaged));
    }

    proptest! {
        #[test]
        fn a_cut_or_altered_picture_is_damaged(at in 8_usize..60, bit in 0_u8..8) {
            let png = square(3);
            let at = at.min(png.len() - 1);
            prop_assert_eq!(check(&png[..at]), Err(Fault::Damaged));
            let mut altered = png.clone();
            altered[at] ^= 1 << bit;
            prop_assert!(check(&altered).is_err());
        }

        #[test]
        fn nothing_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let with_head = [SIGNATURE, &bytes].concat();
            prop_assert!(check(&with_head).is_err());
            prop_assert!(bake(&bytes, "x").is_err());
        }
    }
}
