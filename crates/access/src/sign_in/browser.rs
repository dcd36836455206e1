//! What signing in and out is for a browser, whether it asks the API or a page: sessions begun and ended, and the headers that
//! tell it.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use kernel::Problem;

use super::admin_user_sign_in;
use super::links::{begin, forget};
use crate::actor::{Actor, Origin, Person};
use crate::rate_limit::{Allowance, RateLimits};
use crate::sessions::cookie::Cookie;
use crate::sessions::{self, NewSession, csrf};
use crate::web::{App, address, refusal};

/// What a browser is to forget.
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// Signs in with a local name and password, in development only; ends the session that the browser held before.
#[kernel::boxed]
pub async fn sign_in_local(
    app: &App,
    origin: &Origin,
    headers: &HeaderMap,
    username: &str,
    password: &str,
) -> Result<(Person, NewSession), Problem> {
    // Nobody shall be signed in as somebody else by another site.
    csrf::refuse_other_sites(app.http(), headers)?;
    attempts(app, origin, username).await?;
    let mut tx = db::begin(app.pool()).await?;
    let person = admin_user_sign_in(&mut tx, app.http().development, username, password).await?;
    let (new, old) = begin(app, &mut tx, origin, headers, &person).await?;
    tx.commit().await?;
    forget(app, old);
    Ok((person, new))
}

/// Guessing passwords is limited by address and by name, so that many addresses do not help either.
async fn attempts(app: &App, origin: &Origin, username: &str) -> Result<(), Problem> {
    let limits = app.settings().get::<RateLimits>(None).await?;
    let Some(per_minute) = limits.sign_in_per_minute else { return Ok(()) };
    let allowance = Allowance { name: "sign-in", per_minute, burst: per_minute };
    let name: String = username.chars().take(50).collect();
    let subjects = [origin.ip.map(address::subject), Some(format!("name:{name}"))];
    for subject in subjects.into_iter().flatten() {
        if let Some(wait) = app.limiter().take(&subject, allowance).await.refused {
            return Err(refusal(allowance, wait));
        }
    }
    Ok(())
}

/// The cookie by which a browser is known from now on.
pub fn session_cookie(app: &App, new: &NewSession) -> HeaderValue {
    let seconds = (new.info.expires_at - new.info.created_at).num_seconds();
    Cookie::Session.set(app.http(), &new.token, seconds)
}

/// Ends the session of whoever is signed in; nothing where nobody is.
pub async fn sign_out(app: &App, actor: &Actor) -> Result<(), Problem> {
    let Some(session) = actor.session() else { return Ok(()) };
    let mut tx = db::begin(app.pool()).await?;
    sessions::session_end(&mut tx, &session.person, session.id).await?;
    tx.commit().await?;
    Ok(())
}

/// Tells a browser that its session has ended: it forgets the cookie, and the pages that it kept to go back to.
pub fn signed_out(app: &App, headers: &HeaderMap, answer: &mut HeaderMap) {
    if let Some(token) = Cookie::Session.read(app.http(), headers) {
        app.keys().forget(&token);
    }
    answer.append(header::SET_COOKIE, Cookie::Session.remove(app.http()));
    answer.insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\""));
}
