//! What columns and fields are called, here and by other bots.

/// The names of something: the exact one, which wins, and what others call it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    pub(super) exact: &'static str,
    others: &'static [&'static str],
}

/// The member.
pub(super) const USER: Names =
    Names { exact: "user_id", others: &["userid", "id", "discord_id", "discordid", "member_id", "memberid"] };
/// Their XP.
pub(super) const XP: Names =
    Names { exact: "xp", others: &["experience", "exp", "total_xp", "totalxp", "total_exp"] };
/// Their level.
pub(super) const LEVEL: Names = Names { exact: "level", others: &["lvl"] };
/// What they are called.
pub(super) const NAME: Names =
    Names { exact: "username", others: &["user_name", "name", "display_name", "displayname", "tag"] };

/// A title as it is compared: without case, and with underscores for spaces and hyphens.
pub(super) fn normal(title: &str) -> String {
    title.trim().to_lowercase().replace([' ', '-'], "_")
}

impl Names {
    /// Where among normal titles it stands. Two that could be it are refused, by name: the wrong one would give members what is not
    /// theirs.
    pub(super) fn place(self, titles: &[String]) -> Result<Option<usize>, String> {
        let places = |name: &str| -> Vec<usize> {
            titles.iter().enumerate().filter(|(_, title)| *title == name).map(|(at, _)| at).collect()
        };
        let exact = places(self.exact);
        if exact.len() > 1 {
            return Err(format!("names `{}` more than once; keep the one that counts", self.exact));
        }
        if let Some(at) = exact.first() {
            return Ok(Some(*at));
        }
        let mut found: Vec<usize> = self.others.iter().flat_map(|name| places(name)).collect();
        found.sort_unstable();
        match found.as_slice() {
            [] => Ok(None),
            [at] => Ok(Some(*at)),
            several => Err(format!(
                "names {}, and which of them counts cannot be told; call that one `{}`",
                listed(several.iter().map(|at| titles[*at].as_str())),
                self.exact
            )),
        }
    }

    /// The first place, however many there are: of what costs nobody anything.
    pub(super) fn first(self, titles: &[String]) -> Option<usize> {
        let names = std::iter::once(&self.exact).chain(self.others);
        names.into_iter().find_map(|name| titles.iter().position(|title| title == name))
    }
}

/// Names as code, with commas and a last "and".
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> =
        names.take(20).map(|name| format!("`{}`", name.chars().take(30).collect::<String>())).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}
