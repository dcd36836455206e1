//! What a name looks like, for telling look-alikes.

/// Letters that are drawn like Latin ones or digits, by the Latin letter (Unicode's confusables, UTS #39, as far as names go).
const ALIKE: &[(char, &str)] = &[
    ('a', "аɑαᴀ"),
    ('b', "ьвʙβ"),
    ('c', "сϲᴄ"),
    ('d', "ԁɗᴅ"),
    ('e', "еєҽɛᴇε"),
    ('f', "ƒϝ"),
    ('g', "ɡԍɢ"),
    ('h', "һнʜ"),
    ('j', "јϳᴊ"),
    ('k', "кκᴋ"),
    ('l', "іїıɩιӏǀ|1iɫʟ"),
    ('m', "мᴍμ"),
    ('n', "пոɴη"),
    ('o', "оοσօᴏ0"),
    ('p', "рρᴘ"),
    ('q', "ԛզ"),
    ('r', "гʀᴦ"),
    ('s', "ѕʂꜱ"),
    ('t', "тτᴛ"),
    ('u', "υսᴜ"),
    ('v', "νѵᴠ"),
    ('w', "ѡԝᴡ"),
    ('x', "хχ"),
    ('y', "уγʏү"),
    ('z', "ᴢʐ"),
];

/// What two names share that look alike: without case, blanks and signs, and with every letter as the Latin one that it is
/// drawn like. An accent that can be seen makes another name. It is for comparing, not for showing.
pub fn skeleton(name: &str) -> String {
    let mut skeleton = String::with_capacity(name.len());
    for c in name.chars().filter_map(plain) {
        for c in c.to_lowercase() {
            let c = ALIKE.iter().find(|(_, alike)| alike.contains(c)).map_or(c, |(latin, _)| *latin);
            if c.is_alphanumeric() || super::combines(c) {
                skeleton.push(c);
            }
        }
    }
    // Pairs that are read as one letter.
    let skeleton = skeleton.replace("rn", "m").replace("vv", "w");
    // A name of signs alone looks like nothing but itself.
    if skeleton.is_empty() { name.to_owned() } else { skeleton }
}

/// A styled letter as the plain one; `None` for what is not drawn.
fn plain(c: char) -> Option<char> {
    let code = u32::from(c);
    let letter = |offset: u32| char::from_u32(u32::from('a') + offset % 26);
    match code {
        0x200C | 0x200D | 0xFE00..=0xFE0F => None,
        // Full-width forms.
        0xFF01..=0xFF5E => char::from_u32(code - 0xFEE0),
        // Mathematical letters: alphabets of 26 capitals and 26 small ones in a row; then digits.
        0x1D400..=0x1D6A3 => letter(code - 0x1D400),
        0x1D7CE..=0x1D7FF => char::from_u32(u32::from('0') + (code - 0x1D7CE) % 10),
        // Circled, squared and regional letters.
        0x24B6..=0x24E9 => letter(code - 0x24B6),
        0x1F130..=0x1F149 => letter(code - 0x1F130),
        0x1F150..=0x1F169 => letter(code - 0x1F150),
        0x1F170..=0x1F189 => letter(code - 0x1F170),
        0x1F1E6..=0x1F1FF => letter(code - 0x1F1E6),
        _ => Some(c),
    }
}
