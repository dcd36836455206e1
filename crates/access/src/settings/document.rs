//! docs/settings.md, made from the registry.

use std::fmt::Write as _;

use super::Registry;

const HEAD: &str = "\
# Settings that are changed while it runs

This page is made from the program (`script/update-settings`); do not edit it.

An administrator changes these through the API or with `questhall settings`, and they count within a second on every node.
A guild's value beats the installation's, which beats the default. What a process must know before it has a database is set
in `questhall.toml` instead: see the [operator's guide](operators-guide.md#settings).

```sh
questhall settings list --guild 175928847299117063
questhall settings set api_keys.max_lifetime_days 90 --guild 175928847299117063
questhall settings reset api_keys.max_lifetime_days --guild 175928847299117063
```

| | guild | installation |
|---|---|---|
| see all, or one group | `GET /api/v1/guilds/{guild_id}/settings[/{category}]` | `GET /api/v1/settings[/{category}]` |
| change | `PATCH …/settings` with `{\"category.name\": value}`, or `PATCH …/settings/{category}` with `{\"name\": value}` | the same |
| back to what it overruled | `DELETE …/settings/{category}/{name}` | the same |

A request changes all that it names, or nothing: a name that nobody knows, a wrong type or a value out of bounds is answered
422 and names the setting. Reading takes the scope `settings:read`, changing `settings:write`; every change is in the audit log.
";

/// The page, as text.
pub fn document(registry: &Registry) -> String {
    let mut page = HEAD.to_owned();
    for group in registry.groups() {
        let only = if group.installation_only { " For the whole installation only." } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(page, "\n## `{}`\n\n{}{only}\n", group.category, group.about);
        page.push_str("| setting | takes | default | meaning |\n|---|---|---|---|\n");
        let defaults = group.defaults();
        for field in group.fields {
            let default = defaults.get(field.name).map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(
                page,
                "| `{}.{}` | {} | `{}` | {} |",
                group.category,
                field.name,
                cell(&field.expected()),
                cell(&default),
                cell(field.about),
            );
        }
    }
    page
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
