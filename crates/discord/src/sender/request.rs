//! Requests, as Discord's HTTP API takes them.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

pub use hyper::Method;

/// How long a request waits for its turn and for answers, unless told.
const PATIENCE: Duration = Duration::from_mins(1);

/// A file that goes along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// What it is, such as `text/plain`.
    pub media_type: &'static str,
    /// What is in it.
    pub content: Bytes,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    pub(super) files: Vec<Attachment>,
    pub(super) reason: Option<String>,
    pub(super) patience: Duration,
    pub(super) repeatable: bool,
}

/// What limits go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    /// The method and the path, without ids.
    pub(super) name: String,
    /// What is acted on: a channel, a guild, a webhook.
    pub(super) major: String,
}

impl Request {
    /// A request to this path, which begins with a slash and holds no text of strangers.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        // What is made, and told again, is made twice; everything else says how things are to be.
        let repeatable = method != Method::POST;
        Self {
            method,
            path: path.into(),
            body: None,
            files: Vec::new(),
            reason: None,
            patience: PATIENCE,
            repeatable,
        }
    }

    /// With this body.
    #[must_use]
    pub fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// With these files.
    #[must_use]
    pub fn files(mut self, files: Vec<Attachment>) -> Self {
        self.files = files;
        self
    }

    /// With a reason, for the guild's audit log.
    #[must_use]
    pub fn because(mut self, reason: &str) -> Self {
        self.reason = Some(reason.chars().take(400).collect());
        self
    }

    /// Waits at most so long, all in all.
    #[must_use]
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// May be sent again although the first may have been taken: because it says how things are to be, or because Discord tells
    /// by a nonce that it has it already.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Whether it counts among those that all routes share. Answers to interactions do not.
    pub(super) fn counts(&self) -> bool {
        !self.path.starts_with("/interactions/") && !self.path.starts_with("/webhooks/")
    }

    /// The path for logs: tokens of interactions are left out.
    pub(super) fn shown(&self) -> String {
        self.route().name
    }

    pub(super) fn route(&self) -> Route {
        let path = self.path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let mut name = format!("{}", self.method);
        name.push(' ');
        let mut major = String::new();
        let hooked = matches!(parts.first(), Some(&("webhooks" | "interactions")));
        for (at, part) in parts.iter().enumerate() {
            let id = part.bytes().all(|b| b.is_ascii_digit()) && !part.is_empty();
            let token = hooked && at == 2;
            name.push('/');
            name.push_str(match (id, token) {
                (_, true) => ":token",
                (true, _) => ":id",
                _ => part,
            });
            let leading = at == 1 && matches!(parts[0], "channels" | "guilds" | "webhooks" | "interactions");
            if (id && leading) || token {
                major.push('/');
                major.push_str(part);
            }
        }
        Route { name, major }
    }

    /// The body as it is sent, and what it is.
    pub(super) fn encoded(&self) -> (Bytes, Option<String>) {
        let json = self.body.as_ref().map(|body| Bytes::from(body.to_string()));
        if self.files.is_empty() {
            let kind = json.is_some().then(|| "application/json".to_owned());
            return (json.unwrap_or_default(), kind);
        }
        multipart(json.as_deref().unwrap_or(b"{}"), &self.files)
    }
}

/// A form of several parts: the message, and each file.
pub(crate) fn multipart(json: &[u8], files: &[Attachment]) -> (Bytes, Option<String>) {
    let boundary = format!("questhall-{:032x}", rand::random::<u128>());
    let mut body = Vec::new();
    let mut part = |disposition: &str, media_type: &str, content: &[u8]| {
        body.extend_from_slice(
            format!("--{boundary}\r\ncontent-disposition: form-data; {disposition}\r\ncontent-type: {media_type}\r\n\r\n")
                .as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    };
    part("name=\"payload_json\"", "application/json", json);
    for (n, file) in files.iter().enumerate() {
        let name: String =
            file.name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
        part(&format!("name=\"files[{n}]\"; filename=\"{name}\""), file.media_type, &file.content);
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (body.into(), Some(format!("multipart/form-data; boundary={boundary}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_go_by_route_and_what_is_acted_on() {
        for (method, path, name, major) in [
            (Method::POST, "/channels/12/messages", "POST /channels/:id/messages", "/12"),
            (Method::PATCH, "/channels/12/messages/34", "PATCH /channels/:id/messages/:id", "/12"),
            (Method::PUT, "/guilds/1/members/2/roles/3", "PUT /guilds/:id/members/:id/roles/:id", "/1"),
            (Method::GET, "/gateway/bot", "GET /gateway/bot", ""),
            (Method::GET, "/guilds/1/bans?limit=5", "GET /guilds/:id/bans", "/1"),
            (
                Method::PATCH,
                "/webhooks/1/tok-en/messages/@original",
                "PATCH /webhooks/:id/:token/messages/@original",
                "/1/tok-en",
            ),
            (Method::POST, "/interactions/1/2/callback", "POST /interactions/:id/:token/callback", "/1/2"),
            (Method::PUT, "/applications/1/commands", "PUT /applications/:id/commands", ""),
        ] {
            let route = Request::new(method, path).route();
            assert_eq!((route.name.as_str(), route.major.as_str()), (name, major));
        }
    }

    #[test]
    fn files_go_in_a_form_and_their_names_cannot_break_out_of_it() {
        let file =
            Attachment { name: "a\"\r\nb.txt".to_owned(), media_type: "text/plain", content: "1\n2".into() };
        let (body, kind) =
            Request::new(Method::POST, "/x").json(serde_json::json!({"a": 1})).files(vec![file]).encoded();
        let (body, kind) = (String::from_utf8(body.to_vec()).unwrap(), kind.unwrap());
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        assert_eq!(
            body.replace(boundary, "B"),
            "--B\r\ncontent-disposition: form-data; name=\"payload_json\"\r\ncontent-type: application/json\r\n\r\n\
             {\"a\":1}\r\n--B\r\ncontent-disposition: form-data; name=\"files[0]\"; filename=\"ab.txt\"\r\n\
             content-type: text/plain\r\n\r\n1\n2\r\n--B--\r\n"
        );
    }
}
