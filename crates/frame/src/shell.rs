//! What stands around every page of a guild: whose it is, where one may go from here, what was done just now.

use std::fmt::Write as _;

use access::Actor;
use chrono::{DateTime, Utc};
use kernel::{GuildId, UserId};
use people::notices::MOST_COUNTED;

use crate::csrf;
use crate::html::{Html, escape};
use crate::icon::Icon;
use crate::languages::Chosen;
use crate::nav::{self, Group};

/// The frame of a page.
#[derive(Debug, Clone)]
pub struct Shell {
    /// The guild.
    pub guild_id: GuildId,
    /// Its name.
    pub guild: String,
    /// The member who looks, or for whom somebody does.
    pub member: Option<UserId>,
    /// What who looks is called.
    pub name: String,
    /// Where they may go.
    pub nav: Vec<Group>,
    /// The ways between the pages of staff that belong together with this one.
    pub section: Option<Group>,
    /// Which theme they chose: `light`, `dark`, or neither.
    pub theme: &'static str,
    /// How much the member has not read of what happened for them.
    pub unread: i64,
    /// What the form before this page did.
    pub flash: Option<String>,
    /// Whether this is a developer's server.
    pub development: bool,
    /// Whether somebody looks with a member's eyes.
    pub on_behalf: bool,
    /// In which languages this browser reads.
    pub languages: Chosen,
    /// The time, for countdowns: not for decisions.
    pub now: DateTime<Utc>,
    /// The address of this page.
    pub path: String,
    /// What its forms are signed with.
    pub csrf: String,
    /// Who looks.
    pub actor: Actor,
}

impl Shell {
    /// An address within the guild: `/g/ID` and what follows.
    pub fn at(&self, rest: &str) -> String {
        format!("/g/{}{rest}", self.guild_id)
    }

    /// Whether who looks may do what takes this scope: for showing a way there. The guard decides.
    pub fn may(&self, scope: &str) -> bool {
        self.actor.has(scope)
    }

    /// The address of this page, to come back to.
    pub fn here(&self) -> &str {
        &self.path
    }

    /// The way to what happened for the member, with how much of it is new.
    pub fn bell(&self) -> Html {
        let new = match self.unread {
            ..=0 => String::new(),
            some if some >= MOST_COUNTED => format!("{}+", MOST_COUNTED - 1),
            some => some.to_string(),
        };
        let (words, count) = if new.is_empty() {
            ("Notifications".to_owned(), String::new())
        } else {
            (
                format!("Notifications, {new} new"),
                format!("<b class=\"count\" aria-hidden=\"true\">{new}</b>"),
            )
        };
        Html::trusted(format!(
            "<a class=\"bell\" href=\"{}\">{}<span class=\"unseen\">{words}</span>{count}</a>",
            self.at("/notifications"),
            Icon::Bell.svg(),
        ))
    }

    /// Where the navigation's groups are led to.
    #[must_use]
    pub fn with_nav(mut self) -> Self {
        self.nav = nav::groups(&self);
        self.section = nav::section_here(&self);
        self
    }

    /// The beginning of a form, with what lets it through once.
    pub fn form(&self, action: &str) -> Html {
        Html::trusted(format!("<form method=\"post\" action=\"{}\">{}", escape(action), hidden(&self.csrf)))
    }

    /// A form of nothing but a button.
    pub fn button(&self, action: &str, label: &str, class: &str) -> Html {
        Html::trusted(format!(
            "<form method=\"post\" action=\"{}\" class=\"inline\">{}<button class=\"{}\">{}</button></form>",
            escape(action),
            hidden(&self.csrf),
            escape(class),
            escape(label)
        ))
    }

    /// What lets a form through that may be sent more than once.
    pub fn csrf_token(&self) -> String {
        csrf::masked(&self.csrf)
    }

    /// Signs out.
    pub fn sign_out(&self) -> Html {
        // Not once: whoever is signed out already is told so.
        Html::trusted(format!(
            "<form method=\"post\" action=\"/sign-out\" class=\"inline\"><input type=\"hidden\" name=\"_csrf\" value=\"{}\">\
             <button class=\"quiet\">Sign out</button></form>",
            csrf::masked(&self.csrf)
        ))
    }
}

/// What a form carries unseen.
pub fn hidden(token: &str) -> String {
    let mut markup = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        markup,
        "<input type=\"hidden\" name=\"_csrf\" value=\"{}\"><input type=\"hidden\" name=\"_once\" value=\"{}\">",
        csrf::masked(token),
        uuid::Uuid::new_v4()
    );
    markup
}
