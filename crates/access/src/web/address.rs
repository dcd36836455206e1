//! The client's address, through proxies of ours.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use axum::http::HeaderMap;

use crate::web::HttpSettings;

/// Addresses that begin alike: `10.0.0.0/8`, or a single one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether an address is within.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("must be an address or a network such as 10.0.0.0/8, not `{text}`");
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), str::parse).map_err(|_| wrong())?;
        if prefix <= longest { Ok(Self { address, prefix }) } else { Err(wrong()) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// Where a request comes from. Entries of `X-Forwarded-For` are believed from the right, as far as proxies of ours wrote
/// them: what stands further left, anybody may have written.
pub(crate) fn client(http: &HttpSettings, headers: &HeaderMap, peer: Option<IpAddr>) -> Option<IpAddr> {
    let mut entries = forwarded(headers);
    if http.trust_forwarded_for {
        return entries.next().flatten().or(peer);
    }
    let mut address = peer?.to_canonical();
    while http.trusted_proxies.iter().any(|proxy| proxy.contains(address)) {
        match entries.next() {
            Some(Some(next)) => address = next,
            Some(None) | None => break,
        }
    }
    Some(address)
}

/// The entries from the right; `None` for one that is no address.
fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let lines: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().map(|line| line.to_str().unwrap_or("?")).collect();
    lines
        .into_iter()
        .rev()
        .flat_map(|line| line.rsplit(','))
        .map(|entry| entry.trim().parse::<IpAddr>().ok().map(|address| address.to_canonical()))
}

/// Whom an address stands for in limits: of IPv6, the network that a provider hands out to one customer.
pub(crate) fn subject(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("ip:{address}"),
        IpAddr::V6(address) => {
            let network = Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64));
            format!("ip:{network}/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client_of(http: &HttpSettings, forwarded: &[&str], peer: &str) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        client(http, &headers, peer.parse().ok()).map_or("none".to_owned(), |address| address.to_string())
    }

    #[test]
    fn only_what_our_proxies_wrote_is_believed() {
        let nobody = HttpSettings::default();
        assert_eq!(client_of(&nobody, &["1.2.3.4"], "10.0.0.1"), "10.0.0.1");
        let ours = HttpSettings {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()],
            ..HttpSettings::default()
        };
        assert_eq!(client_of(&ours, &["6.6.6.6, 1.2.3.4"], "10.0.0.1"), "1.2.3.4");
        assert_eq!(client_of(&ours, &["6.6.6.6", "1.2.3.4, 10.2.2.2"], "10.0.0.1"), "1.2.3.4");
        assert_eq!(client_of(&ours, &["6.6.6.6, 1.2.3.4"], "9.9.9.9"), "9.9.9.9");
        assert_eq!(client_of(&ours, &["6.6.6.6, nonsense"], "10.0.0.1"), "10.0.0.1");
        assert_eq!(client_of(&ours, &[], "fd00::1"), "fd00::1");
        assert_eq!(client_of(&ours, &["2001:db8::1"], "::ffff:10.0.0.1"), "2001:db8::1");
        let anybody = HttpSettings { trust_forwarded_for: true, ..HttpSettings::default() };
        assert_eq!(client_of(&anybody, &["6.6.6.6, 1.2.3.4"], "9.9.9.9"), "1.2.3.4");
        assert_eq!(client_of(&anybody, &[], ""), "none");
    }

    #[test]
    fn networks_are_read_and_refused() {
        for bad in ["", "10.0.0.0/33", "fd00::/129", "host", "10.0.0.0/-1", "10.0.0.0/"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("1.2.3.4".parse().unwrap()) && !all.contains("::1".parse().unwrap()));
    }

    #[test]
    fn a_customer_of_ipv6_is_one_sender() {
        assert_eq!(subject("2001:db8:1:2:3:4:5:6".parse().unwrap()), "ip:2001:db8:1:2::/64");
        assert_eq!(subject("::ffff:1.2.3.4".parse().unwrap()), "ip:1.2.3.4");
    }
}
