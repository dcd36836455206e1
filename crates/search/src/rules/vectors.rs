//! Static models: a vector a token, read from a `safetensors` file, and a text's vector as the mean of its tokens'.

use std::collections::HashMap;

use serde::Deserialize;

/// The longest vectors that are taken, as the database keeps them.
const MOST: usize = 4_096;
/// The largest head of a file.
const MOST_HEAD: usize = 1024 * 1024;

#[derive(Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

/// A vector a token, row by row.
#[derive(Debug)]
pub struct Vectors {
    dimensions: usize,
    values: Vec<f32>,
}

impl Vectors {
    /// Reads the one table of a `safetensors` file; what is wrong with it, otherwise.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let (length, rest) = bytes.split_first_chunk::<8>().ok_or("is too short")?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok().filter(|length| *length <= MOST_HEAD);
        let (head, data) = length.and_then(|length| rest.split_at_checked(length)).ok_or("has no head")?;
        let head: HashMap<String, serde_json::Value> =
            serde_json::from_slice(head).map_err(|error| format!("has a head that is none: {error}"))?;
        let mut tables = head
            .into_iter()
            .filter(|(name, _)| name != "__metadata__")
            .filter_map(|(_, value)| serde_json::from_value::<Tensor>(value).ok())
            .filter(|tensor| tensor.shape.len() == 2);
        let (Some(table), None) = (tables.next(), tables.next()) else {
            return Err("must hold one table, of a vector a token".to_owned());
        };
        let (rows, dimensions) = (table.shape[0], table.shape[1]);
        if rows == 0 || !(1..=MOST).contains(&dimensions) {
            return Err(format!("must have vectors of 1 to {MOST} numbers"));
        }
        let data = data.get(table.data_offsets.0..table.data_offsets.1).ok_or("is cut off")?;
        let count = rows.checked_mul(dimensions).ok_or("is too large")?;
        let values: Vec<f32> = match table.dtype.as_str() {
            "F32" => data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            "F16" => data.as_chunks::<2>().0.iter().map(|b| half(u16::from_le_bytes(*b))).collect(),
            "BF16" => data
                .as_chunks::<2>()
                .0
                .iter()
                .map(|b| f32::from_bits(u32::from(u16::from_le_bytes(*b)) << 16))
                .collect(),
            other => return Err(format!("has numbers of the kind {other}; F32, F16 and BF16 are known")),
        };
        if values.len() != count {
            return Err("is cut off".to_owned());
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err("has numbers that are none".to_owned());
        }
        Ok(Self { dimensions, values })
    }

    /// The length of a vector.
    pub const fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The mean of the vectors of these tokens, brought to length 1; `None` where that is nothing.
    pub fn mean(&self, tokens: &[u32]) -> Option<Vec<f32>> {
        let mut sum = vec![0.0_f32; self.dimensions];
        for token in tokens {
            let from = usize::try_from(*token).ok()?.checked_mul(self.dimensions)?;
            let Some(row) = self.values.get(from..from + self.dimensions) else { continue };
            for (sum, value) in sum.iter_mut().zip(row) {
                *sum += value;
            }
        }
        let length = dot(&sum, &sum).sqrt();
        if length < f32::EPSILON {
            return None;
        }
        for value in &mut sum {
            *value /= length;
        }
        Some(sum)
    }
}

/// An IEEE 754 half as a float.
fn half(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let exponent = u32::from(bits >> 10 & 0x1f);
    let fraction = u32::from(bits & 0x3ff);
    match exponent {
        // Too small to have an exponent: fraction × 2^-24, exactly.
        0 => {
            let size = f32::from(bits & 0x3ff) * 2.0_f32.powi(-24);
            if sign == 0 { size } else { -size }
        }
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

/// The product of two vectors: of two of length 1, how like they are. In lanes, so that the compiler can reckon several at once.
pub fn dot(one: &[f32], other: &[f32]) -> f32 {
    const LANES: usize = 8;
    let (ones, rest_one) = one.as_chunks::<LANES>();
    let (others, rest_other) = other.as_chunks::<LANES>();
    let mut lanes = [0.0_f32; LANES];
    for (a, b) in ones.iter().zip(others) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = rest_one.iter().zip(rest_other).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(head: &str, data: &[u8]) -> Vec<u8> {
        [&(head.len() as u64).to_le_bytes()[..], head.as_bytes(), data].concat()
    }

    fn table(dtype: &str, rows: usize, columns: usize, data: &[u8]) -> Vec<u8> {
        let head = format!(
            r#"{{"embeddings":{{"dtype":"{dtype}","shape":[{rows},{columns}],"data_offsets":[0,{}]}},"__metadata__":{{"a":"b"}}}}"#,
            data.len()
        );
        file(&head, data)
    }

    #[test]
    fn halves_are_read_as_they_are() {
        for (bits, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x7bff, 65504.0),
            (0x8000, 0.0),
        ] {
            assert!((half(bits) - value).abs() <= value.abs() * 1e-6, "{bits:x}: {}", half(bits));
        }
        assert!(half(0x7c00).is_infinite() && half(0x7e00).is_nan());
    }

    #[test]
    fn a_texts_vector_is_the_mean_of_its_tokens_at_length_one() {
        let data: Vec<u8> = [3.0_f32, 0.0, 0.0, 4.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let vectors = Vectors::read(&table("F32", 2, 2, &data)).unwrap();
        assert_eq!(vectors.mean(&[0, 1]).unwrap(), [0.6, 0.8]);
        // Tokens that the table does not have say nothing.
        assert_eq!(vectors.mean(&[0, 9]).unwrap(), [1.0, 0.0]);
        assert_eq!(vectors.mean(&[]), None);
        let halves: Vec<u8> = [0x3c00_u16, 0x0000].iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(Vectors::read(&table("F16", 1, 2, &halves)).unwrap().mean(&[0]).unwrap(), [1.0, 0.0]);
        let brains: Vec<u8> = [0x3f80_u16, 0x0000].iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(Vectors::read(&table("BF16", 1, 2, &brains)).unwrap().mean(&[0]).unwrap(), [1.0, 0.0]);
    }

    #[test]
    fn what_is_no_table_is_told() {
        let told = |bytes: &[u8]| Vectors::read(bytes).unwrap_err();
        assert_eq!(told(b""), "is too short");
        assert_eq!(told(&u64::MAX.to_le_bytes()), "has no head");
        assert!(told(&file("[]", b"")).contains("head"));
        assert!(told(&file("{}", b"")).contains("one table"));
        assert_eq!(told(&table("F32", 2, 2, &[0; 8])), "is cut off");
        assert!(told(&table("I8", 1, 2, &[0; 2])).contains("I8"));
        assert!(told(&table("F32", 1, 1, &f32::NAN.to_le_bytes())).contains("none"));
        assert_eq!(told(&table("F32", usize::MAX, 2, &[0; 8])), "is too large");
    }

    proptest! {
        #[test]
        fn the_product_is_what_one_reckons_by_hand(pairs in prop::collection::vec((-10.0_f32..10.0, -10.0_f32..10.0), 0..70)) {
            let (one, other): (Vec<f32>, Vec<f32>) = pairs.iter().copied().unzip();
            let plain: f64 = pairs.iter().map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            prop_assert!((f64::from(dot(&one, &other)) - plain).abs() < 0.01);
        }

        #[test]
        fn nothing_makes_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let _ = Vectors::read(&bytes);
        }
    }
}
