//! Languages as tags (`de`, `pt-BR`, `zh-Hant`), and which of several a reader gets.

/// How many ranges of a reader's `Accept-Language` are looked at: more are nobody's languages.
const MOST_RANGES: usize = 20;

/// Whether a text is a language's tag in its usual spelling: two letters, then a script, then a country or a region, where they
/// are needed.
pub fn is_tag(text: &str) -> bool {
    let mut parts = text.split('-').peekable();
    let all =
        |part: &str, length: usize, fits: fn(u8) -> bool| part.len() == length && part.bytes().all(fits);
    if !parts.next().is_some_and(|part| all(part, 2, |b| b.is_ascii_lowercase())) {
        return false;
    }
    let is_script = |part: &&str| {
        part.len() == 4
            && part.as_bytes()[0].is_ascii_uppercase()
            && part.bytes().skip(1).all(|b| b.is_ascii_lowercase())
    };
    parts.next_if(is_script);
    parts.next_if(|part| all(part, 2, |b| b.is_ascii_uppercase()) || all(part, 3, |b| b.is_ascii_digit()));
    parts.next().is_none()
}

/// The usual spelling of a tag that is written otherwise: `PT-br` is `pt-BR`. `None` where it is no tag at all.
pub fn spelled(text: &str) -> Option<String> {
    if !text.is_ascii() {
        return None;
    }
    let mut parts = Vec::new();
    for (n, part) in text.split(['-', '_']).enumerate() {
        let lower = part.to_ascii_lowercase();
        parts.push(match (n, part.len()) {
            (0, _) => lower,
            (_, 4) => lower[..1].to_ascii_uppercase() + &lower[1..],
            _ => part.to_ascii_uppercase(),
        });
    }
    Some(parts.join("-")).filter(|tag| is_tag(tag))
}

/// What a reader says of languages; what stands first goes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reader<'a> {
    /// The language asked for this time.
    pub asked: Option<&'a str>,
    /// What the reader's program accepts, as `Accept-Language` has it.
    pub accepted: Option<&'a str>,
}

impl Reader<'_> {
    /// Which of a text's languages this reader gets, whose preference is `preferred`. The first is the text's own: who can read none of
    /// them gets that.
    pub fn choose<'l>(&self, languages: &[&'l str], preferred: Option<&str>) -> Option<&'l str> {
        let own = languages.first().copied();
        if languages.len() < 2 {
            return own;
        }
        [self.asked, preferred]
            .into_iter()
            .flatten()
            .find_map(|wanted| like(languages, wanted))
            .or_else(|| accepted(languages, self.accepted?))
            .or(own)
    }
}

/// The language that a range means: itself, a more general one (`de` for `de-AT`), or one of its kinds (`de-AT` for `de`).
fn like<'l>(languages: &[&'l str], range: &str) -> Option<&'l str> {
    let mut shorter = Some(range.trim());
    while let Some(range) = shorter {
        if let Some(found) = languages.iter().find(|language| language.eq_ignore_ascii_case(range)) {
            return Some(found);
        }
        shorter = range.rsplit_once('-').map(|(shorter, _)| shorter);
    }
    let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    languages.iter().find(|language| primary(language) == primary(range.trim())).copied()
}

/// The language that an `Accept-Language` likes best.
fn accepted<'l>(languages: &[&'l str], header: &str) -> Option<&'l str> {
    let mut ranges: Vec<(u32, &str)> = Vec::new();
    for range in header.split(',').take(MOST_RANGES) {
        let mut parameters = range.split(';').map(str::trim);
        let name = parameters.next().unwrap_or_default();
        let quality = parameters.find_map(|parameter| parameter.strip_prefix("q=")).map_or(1000, thousandths);
        if quality > 0 && !name.is_empty() {
            ranges.push((quality, name));
        }
    }
    // Stable: of two that are liked alike, the first is meant.
    ranges.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
    ranges
        .into_iter()
        .find_map(|(_, range)| if range == "*" { languages.first().copied() } else { like(languages, range) })
}

/// A quality of 0 to 1 with at most three digits, in thousandths; anything else counts as none.
fn thousandths(quality: &str) -> u32 {
    let (whole, rest) = quality.split_once('.').unwrap_or((quality, ""));
    let digits: String = rest.chars().chain("000".chars()).take(3).collect();
    match (whole.parse::<u32>(), digits.parse::<u32>()) {
        (Ok(0), Ok(rest)) => rest,
        (Ok(1), Ok(0)) => 1000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_known_by_their_spelling() {
        for tag in ["de", "pt-BR", "es-419", "zh-Hant", "zh-Hant-TW"] {
            assert!(is_tag(tag), "{tag}");
            assert_eq!(spelled(&tag.to_ascii_uppercase()).as_deref(), Some(tag));
        }
        for other in
            ["", "d", "old", "DE", "de-", "de-de", "deutsch", "de-AT-x", "zh-hant", "de_AT", "de-A1", "é"]
        {
            assert!(!is_tag(other), "{other}");
        }
        assert_eq!(spelled("de_at").as_deref(), Some("de-AT"));
        assert_eq!([spelled("deutsch"), spelled("old"), spelled("de-🎲")], [None, None, None]);
    }

    #[test]
    fn a_reader_gets_what_was_asked_preferred_or_accepted() {
        let languages = ["en", "de-AT", "pt-BR", "pt"];
        let chosen = |asked, preferred, accepted| {
            Reader { asked, accepted }.choose(&languages, preferred).unwrap_or_default()
        };
        assert_eq!(chosen(None, None, None), "en");
        assert_eq!(chosen(Some("pt"), Some("de"), Some("fr")), "pt");
        assert_eq!(chosen(Some("fr"), Some("de"), Some("pt")), "de-AT", "what is not there is passed over");
        assert_eq!(chosen(Some("pt-PT"), None, None), "pt");
        assert_eq!(chosen(None, Some("PT-br"), None), "pt-BR");
        for (header, wanted) in [
            ("de", "de-AT"),
            ("fr, de;q=0.8, en;q=0.9", "en"),
            ("pt-BR;q=0.5,de-DE;q=0.50", "pt-BR"),
            ("de;q=0, pt", "pt"),
            ("fr, *;q=0.1", "en"),
            ("*", "en"),
            ("de;q=2, pt;q=x, ;;, de;q=4294967295", "en"),
            ("ja", "en"),
        ] {
            assert_eq!(chosen(None, None, Some(header)), wanted, "{header}");
        }
        assert_eq!(Reader { asked: Some("de"), accepted: None }.choose(&["fr"], None), Some("fr"));
        assert_eq!(Reader::default().choose(&[], None), None);
    }
}
