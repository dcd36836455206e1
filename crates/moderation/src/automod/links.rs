//! Where links lead: every one, decoded, by its host. Nothing is fetched: what leads on, nobody knows whither, is called so.

use std::borrow::Cow;

use url::{Host, Url};

/// Hosts that lead on to anywhere.
const REDIRECTORS: &[&str] = &[
    "adf.ly",
    "amzn.to",
    "bit.do",
    "bit.ly",
    "bitly.com",
    "bl.ink",
    "buff.ly",
    "clck.ru",
    "cutt.ly",
    "dub.sh",
    "forms.gle",
    "goo.gl",
    "grabify.link",
    "href.li",
    "ibb.co.com",
    "iplogger.com",
    "iplogger.org",
    "is.gd",
    "j.mp",
    "l.facebook.com",
    "lnk.bio",
    "lnkd.in",
    "lnk.to",
    "mcaf.ee",
    "ow.ly",
    "qr.ae",
    "rb.gy",
    "rebrand.ly",
    "s.id",
    "shorte.st",
    "shorturl.at",
    "shorturl.asia",
    "slashdot.to",
    "snip.ly",
    "soo.gd",
    "t.co",
    "t.ly",
    "t2m.io",
    "tiny.cc",
    "tiny.one",
    "tinyurl.com",
    "tr.im",
    "urlz.fr",
    "v.gd",
    "vk.cc",
    "x.gd",
    "yourls.org",
];

/// What invites begin with, by what people write; in its plain form.
pub(super) const INVITES: &[&str] = &[
    "discord.gg/",
    "discord.com/invite/",
    "discordapp.com/invite/",
    "discord.new/",
    "dsc.gg/",
    "discord.me/",
    "discord.io/",
    "discord.li/",
    "invite.gg/",
    "disboard.org/server/join/",
];

/// Most links of a text that are judged; nobody writes as many who does not mean to hide one.
pub(super) const MOST: usize = 100;

/// A link as it is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// The host, as browsers take it: decoded, in small letters, in ASCII.
    pub(super) host: String,
    /// The code of an invite.
    pub(super) invite: Option<String>,
}

impl Link {
    /// Whether it leads on, nobody knows whither.
    pub(super) fn is_redirector(&self) -> bool {
        REDIRECTORS.iter().any(|host| is_below(&self.host, host))
    }

    /// Whether its host is one of these domains or below.
    pub(super) fn is_of(&self, domains: &[String]) -> bool {
        domains.iter().any(|domain| is_below(&self.host, domain))
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// A domain as a list names it, in the form in which hosts are compared. It must not be one under which anybody may register.
pub(super) fn domain(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
    let bare = bare.strip_prefix("*.").unwrap_or(bare);
    let bare = bare.split(['/', '?', '#']).next().unwrap_or(bare).trim_end_matches('.');
    match Host::parse(bare) {
        Ok(Host::Domain(host)) if psl::domain_str(&host).is_some() => Ok(host),
        Ok(Host::Domain(_)) => {
            Err("must be a domain such as example.com: under this one anybody may register")
        }
        Ok(address) => Ok(address.to_string()),
        Err(_) => Err("must be a domain such as example.com"),
    }
}

/// The links of a text that is shown, each with what its query carries on.
pub(super) fn find(text: &str, found: &mut Vec<Link>) {
    let mut from = 0;
    while found.len() < MOST {
        let Some(colon) = text[from..].find(":/").or_else(|| text[from..].find(":\\")).map(|n| n + from)
        else {
            return;
        };
        from = colon + 2;
        let Some(start) = ["https", "http"].iter().find_map(|scheme| {
            let start = colon.checked_sub(scheme.len())?;
            text.get(start..colon).is_some_and(|s| s.eq_ignore_ascii_case(scheme)).then_some(start)
        }) else {
            continue;
        };
        let end = text[start..]
            .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | super::markdown::OBJECT))
            .map_or(text.len(), |n| n + start);
        from = end.max(from);
        read(&text[start..end], found, 0);
    }
}

/// Reads an address, and those in its query.
pub(super) fn read(address: &str, found: &mut Vec<Link>, depth: u32) {
    if found.len() >= MOST || depth > 3 {
        return;
    }
    let address = address.trim_end_matches(['.', ',', ';', '!', '?', ')', ']', '\'', '*', '_', '~', '|']);
    // What is not drawn is no part of an address that people see.
    let address: Cow<'_, str> = if address.chars().any(super::normal::is_invisible) {
        address.chars().filter(|c| !super::normal::is_invisible(*c)).collect::<String>().into()
    } else {
        address.into()
    };
    let Ok(url) = Url::parse(&address) else { return };
    let Some(host) = url.host_str() else { return };
    let host = host.trim_end_matches('.').to_owned();
    let invite = invite_of(&host, url.path());
    found.push(Link { host, invite });
    for (_, value) in url.query_pairs().take(20) {
        let lower = value.get(..8).unwrap_or(&value).to_ascii_lowercase();
        if lower.starts_with("http:/") || lower.starts_with("https:/") {
            read(&value, found, depth + 1);
        }
    }
}

/// The invite that an address is, if any.
fn invite_of(host: &str, path: &str) -> Option<String> {
    let path = decoded(path);
    let path = path.trim_start_matches('/');
    INVITES.iter().find_map(|prefix| {
        let (domain, rest) = prefix.split_once('/')?;
        if !is_below(host, domain) {
            return None;
        }
        let lower = path.to_ascii_lowercase();
        let code = lower.strip_prefix(rest)?;
        code_of(code)
    })
}

/// The code that a text begins with.
pub(super) fn code_of(text: &str) -> Option<String> {
    let decoded = decoded(text);
    let code: String = decoded
        .trim_start_matches(['/', '\\', ' '])
        .chars()
        .filter(|c| !super::normal::is_invisible(*c))
        .take_while(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
        .take(100)
        .collect();
    (!code.is_empty()).then(|| code.to_lowercase())
}

/// Percent signs decoded, twice at most, as some decode twice.
fn decoded(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..2 {
        if !text.contains('%') {
            break;
        }
        let bytes = text.as_bytes();
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            let hex = |n: usize| bytes.get(n).and_then(|b| char::from(*b).to_digit(16));
            if let (b'%', Some(high), Some(low)) = (bytes[at], hex(at + 1), hex(at + 2)) {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 3;
            } else {
                out.push(bytes[at]);
                at += 1;
            }
        }
        text = Cow::Owned(String::from_utf8_lossy(&out).into_owned());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hosts(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        find(text, &mut found);
        found.into_iter().map(|link| link.host).collect()
    }

    fn invite(text: &str) -> Option<String> {
        let mut found = Vec::new();
        find(text, &mut found);
        found.into_iter().find_map(|link| link.invite)
    }

    #[test]
    fn hosts_are_those_that_a_browser_goes_to() {
        for (text, expected) in [
            ("see https://e.com/a, and HTTP://F.ORG.", vec!["e.com", "f.org"]),
            ("https://discord.com@evil.com/x", vec!["evil.com"]),
            ("https:\\\\evil.com", vec!["evil.com"]),
            ("https://%65vil.com", vec!["evil.com"]),
            ("https://evil。com/x", vec!["evil.com"]),
            ("https://ｅｖｉｌ.com", vec!["evil.com"]),
            ("https://e\u{200B}vil.com", vec!["evil.com"]),
            ("https:/evil.com", vec!["evil.com"]),
            ("https://evil.com.", vec!["evil.com"]),
            ("https://good.com/?next=https%3A%2F%2Fevil.com", vec!["good.com", "evil.com"]),
            ("(https://e.com)", vec!["e.com"]),
            ("main.rs http: //x ftp://y", vec![]),
            ("https://", vec![]),
        ] {
            assert_eq!(hosts(text), expected, "{text}");
        }
    }

    #[test]
    fn invites_are_known_however_they_are_written() {
        for text in [
            "https://discord.gg/rust",
            "https://discord.gg/%72%75%73%74",
            "https://ptb.discord.com/invite/rust",
            "https://discord.gg/rust.",
            "https://DISCORD。GG/rust",
            "https://discord.com//invite/rust",
        ] {
            let found = invite(text);
            assert!(found.as_deref() == Some("rust") || text.contains("//invite"), "{text}: {found:?}");
        }
        assert_eq!(invite("https://discord.com/channels/1/2"), None);
        assert_eq!(invite("https://notdiscord.gg/x"), None);
    }

    #[test]
    fn lists_name_what_somebody_owns() {
        assert_eq!(domain("https://Example.com/x").unwrap(), "example.com");
        assert_eq!(domain("*.example.co.uk").unwrap(), "example.co.uk");
        assert_eq!(domain("münchen.de").unwrap(), "xn--mnchen-3ya.de");
        assert!(
            domain("com").is_err()
                && domain("co.uk").is_err()
                && domain("").is_err()
                && domain("a b").is_err()
        );
        let link = Link { host: "cdn.example.com".into(), invite: None };
        assert!(link.is_of(&["example.com".into()]) && !link.is_of(&["ample.com".into()]));
        assert!(Link { host: "bit.ly".into(), invite: None }.is_redirector());
    }

    proptest! {
        #[test]
        fn any_text_can_be_searched(text in "(https?:[/\\\\]{0,3}[a-z.%@?=&/:é。 ]{0,20}){0,4}") {
            let mut found = Vec::new();
            find(&text, &mut found);
            prop_assert!(found.len() <= MOST);
        }
    }
}
