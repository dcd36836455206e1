//! Bitstring Status Lists (W3C): which bit of which list stands for a credential, and what a list looks like.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Bits of a list: the least that the recommendation allows, so that an index tells nothing of who else is in it.
pub const BITS: i32 = 131_072;

/// The list that a status index is in, and its place there.
pub const fn place(status_index: i32) -> (i32, i32) {
    (status_index / BITS, status_index % BITS)
}

/// The first and the last status index of a list; `None` where there can be no such list.
pub fn range(list: i32) -> Option<(i32, i32)> {
    let first = list.checked_mul(BITS).filter(|first| *first >= 0)?;
    Some((first, first.checked_add(BITS - 1)?))
}

/// A list in which these places are set, as `encodedList` has it: multibase (Base64url, without padding) of GZIP. Bit 0 is the leftmost.
pub fn encode(places: &[i32]) -> String {
    let mut bits = vec![0_u8; usize::try_from(BITS / 8).unwrap_or_default()];
    for place in places {
        let Ok(at) = usize::try_from(*place) else { continue };
        if let Some(byte) = bits.get_mut(at / 8) {
            *byte |= 0x80 >> (at % 8);
        }
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    // A vector takes everything.
    let written = packed.write_all(&bits).and_then(|()| packed.finish()).unwrap_or_default();
    format!("u{}", URL_SAFE_NO_PAD.encode(written))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    fn decode(text: &str) -> Vec<u8> {
        let packed = URL_SAFE_NO_PAD.decode(text.strip_prefix('u').unwrap()).unwrap();
        let mut bits = Vec::new();
        GzDecoder::new(&packed[..]).read_to_end(&mut bits).unwrap();
        bits
    }

    proptest! {
        #[test]
        fn a_list_has_the_bits_that_are_set_and_no_others(places in prop::collection::btree_set(0..BITS, 0..40)) {
            let places: Vec<i32> = places.into_iter().collect();
            let bits = decode(&encode(&places));
            prop_assert_eq!(bits.len(), 16_384);
            let set: Vec<i32> = (0..BITS)
                .filter(|at| bits[usize::try_from(at / 8).unwrap()] >> (7 - at % 8) & 1 == 1)
                .collect();
            prop_assert_eq!(set, places);
        }

        #[test]
        fn every_index_has_a_place_of_its_own(index in 0..i32::MAX) {
            let (list, place) = place(index);
            prop_assert!((0..BITS).contains(&place));
            let (first, last) = range(list).unwrap();
            prop_assert_eq!(first + place, index);
            prop_assert!(first <= index && index <= last);
        }
    }

    #[test]
    fn there_is_no_list_before_the_first_or_behind_the_last() {
        assert_eq!(range(-1), None);
        assert_eq!(range(i32::MAX), None);
        assert_eq!(range(0), Some((0, 131_071)));
    }

    #[test]
    fn the_first_bit_is_the_leftmost() {
        assert_eq!(decode(&encode(&[0]))[0], 0x80);
        assert_eq!(decode(&encode(&[-5, BITS, 15]))[1], 0x01);
    }
}
