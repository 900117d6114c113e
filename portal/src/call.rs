//! A request as a page sees it, and how pages answer. Knows no page.

use std::str::FromStr;
use std::sync::Arc;

use askama::Template;
use bytes::Bytes;
use keis_registry::Actor;
use keis_registry::permission::{Body, Permission, Role};
use keis_registry::users::User;
use serde::Serialize;
use tower_sessions::Session;
use warp::http::{HeaderValue, StatusCode, Uri, header};
use warp::reply::Response;

use crate::frame::{Flash, Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::{Lang, Words};

/// What a page answers.
pub type Answer = Result<Response, Trouble>;

/// Names of what a session holds.
const USER: &str = "user";
const ACTING: &str = "acting";
const FLASH: &str = "flash";

/// Fields of a query or form, in their order.
#[derive(Debug, Clone, Default)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The first value of a name, without spaces around it; none when it is missing or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim());
        value.filter(|value| !value.is_empty())
    }

    /// All values of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.trim())
    }

    /// A value by its text form; none when it is missing.
    ///
    /// # Errors
    /// [`Trouble::Malformed`] when it is not of the form.
    pub fn parse<T: FromStr>(&self, name: &str) -> Result<Option<T>, Trouble> {
        let parsed = self.get(name).map(|text| text.parse().map_err(|_| Trouble::Malformed("trouble-field")));
        parsed.transpose()
    }

    /// A value that must be there.
    ///
    /// # Errors
    /// [`Trouble::Malformed`] when it is missing or not of the form.
    pub fn need<T: FromStr>(&self, name: &str) -> Result<T, Trouble> {
        self.parse(name)?.ok_or(Trouble::Malformed("trouble-field"))
    }

    /// All values of a name by their text form.
    ///
    /// # Errors
    /// [`Trouble::Malformed`] when one is not of the form.
    pub fn each<T: FromStr>(&self, name: &str) -> Result<Vec<T>, Trouble> {
        self.all(name).map(|text| text.parse().map_err(|_| Trouble::Malformed("trouble-field"))).collect()
    }

    /// Whether a box was ticked.
    pub fn ticked(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

/// For whom somebody acts in this request: one grant of the user.
#[derive(Debug, Clone)]
pub struct Acting {
    /// Who.
    pub user: User,
    /// In which role.
    pub role: Role,
    /// For whom.
    pub body: Body,
}

impl Acting {
    /// The user, as the registry logs it.
    pub fn actor(&self) -> Actor {
        Actor::User(self.user.id)
    }
}

/// A request.
pub struct Call {
    /// Parts of the path that vary, in their order.
    pub parts: Vec<String>,
    /// The query.
    pub query: Fields,
    /// Fields of a form.
    pub form: Fields,
    /// Bytes of another body.
    pub body: Bytes,
    /// The address, for links back.
    pub uri: Uri,
    /// Language of the answer.
    pub lang: Lang,
    /// The server-side session.
    pub session: Session,
    /// Who is signed in.
    pub user: Option<User>,
}

impl Call {
    /// A request of which only this much matters: a page that tells of trouble.
    pub(crate) fn bare(uri: Uri, lang: Lang, session: Session, user: Option<User>) -> Self {
        let (query, form) = (Fields::default(), Fields::default());
        Self { parts: Vec::new(), query, form, body: Bytes::new(), uri, lang, session, user }
    }

    /// The words of the answer's language.
    pub fn words(&self) -> &'static Words {
        self.lang.words()
    }

    /// A part of the path by its text form.
    ///
    /// # Errors
    /// [`Trouble::NotFound`] when it is not of the form.
    pub fn part<T: FromStr>(&self, index: usize) -> Result<T, Trouble> {
        self.parts.get(index).and_then(|text| text.parse().ok()).ok_or(Trouble::NotFound)
    }

    /// Who is signed in.
    ///
    /// # Errors
    /// [`Trouble::SignIn`] when nobody is.
    pub fn user(&self) -> Result<&User, Trouble> {
        self.user.as_ref().ok_or(Trouble::SignIn)
    }

    /// The grant by which the user may do this; the body chosen earlier goes before others.
    ///
    /// # Errors
    /// [`Trouble::SignIn`] or [`Trouble::Forbidden`].
    pub async fn acting(&self, permission: Permission) -> Result<Acting, Trouble> {
        let user = self.user()?;
        let chosen: Option<String> = self.session.get(ACTING).await.map_err(Trouble::internal)?;
        let may = |grant: &&keis_registry::users::Grant| grant.role.may(permission);
        let mut grants: Vec<_> = user.grants.iter().filter(may).collect();
        grants.sort_by_key(|grant| chosen.as_deref() != Some(grant.body.to_string().as_str()));
        let grant = grants.first().ok_or(Trouble::Forbidden)?;
        Ok(Acting { user: user.clone(), role: grant.role, body: grant.body })
    }

    /// Remembers for whom the user acts, of several.
    ///
    /// # Errors
    /// [`Trouble::Forbidden`] when the user has no role there.
    pub async fn act_for(&self, body: &str) -> Result<(), Trouble> {
        let user = self.user()?;
        if !user.grants.iter().any(|grant| grant.body.to_string() == body) {
            return Err(Trouble::Forbidden);
        }
        self.session.insert(ACTING, body).await.map_err(Trouble::internal)
    }

    /// Signs a user in: the session gets a new id, what it held before is gone.
    ///
    /// # Errors
    /// [`Trouble::Internal`] when the session cannot be kept.
    pub async fn sign_in(&self, user: &User) -> Result<(), Trouble> {
        self.session.clear().await;
        self.session.cycle_id().await.map_err(Trouble::internal)?;
        self.session.insert(USER, user.id.to_string()).await.map_err(Trouble::internal)
    }

    /// Ends the session for good.
    ///
    /// # Errors
    /// [`Trouble::Internal`] when it cannot be destroyed.
    pub async fn sign_out(&self) -> Result<(), Trouble> {
        self.session.flush().await.map_err(Trouble::internal)
    }

    /// A message that the next page shows once.
    ///
    /// # Errors
    /// [`Trouble::Internal`] when the session cannot be kept.
    pub async fn flash(&self, flash: Flash) -> Result<(), Trouble> {
        self.session.insert(FLASH, flash).await.map_err(Trouble::internal)
    }

    /// What every page shows around its content. Takes the message that waits.
    ///
    /// # Errors
    /// [`Trouble::Internal`] when the session cannot be read.
    pub async fn frame(&self, site: &Arc<Site>, section: Section, title: String) -> Result<Frame, Trouble> {
        let flash =
            if self.user.is_some() { self.session.remove(FLASH).await.map_err(Trouble::internal)? } else { None };
        Ok(Frame::new(site, self, section, title, flash))
    }

    /// The id of the user in a session.
    pub(crate) async fn user_of(session: &Session) -> Option<String> {
        session.get(USER).await.ok().flatten()
    }
}

/// Answers a page.
///
/// # Errors
/// [`Trouble::Internal`] when the template fails.
pub fn page(template: &impl Template) -> Answer {
    page_with(StatusCode::OK, template)
}

/// Answers a page with a status.
///
/// # Errors
/// As for [`page`].
pub fn page_with(status: StatusCode, template: &impl Template) -> Answer {
    let mut response = Response::new(template.render()?.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Ok(response)
}

/// Sends the browser on to an address of this site.
///
/// # Errors
/// [`Trouble::Internal`] when the address is none.
pub fn redirect(to: &str) -> Answer {
    let mut response = Response::new("".into());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_str(to).map_err(Trouble::internal)?);
    Ok(response)
}

/// Answers a value as JSON, for the wallet's script.
///
/// # Errors
/// [`Trouble::Internal`] when it cannot be written.
pub fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let mut response = Response::new(serde_json::to_vec(value).map_err(Trouble::internal)?.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// An address of this site that somebody may be sent back to; anything else becomes the home page, so that a link cannot
/// lead a user away.
pub fn local_path(path: &str) -> &str {
    // Browsers drop tabs and line ends from addresses, so "/<tab>/elsewhere" would lead away, too.
    let odd = |letter: char| letter == '\\' || letter.is_control();
    let local = path.starts_with('/') && !path.starts_with("//") && !path.contains(odd);
    if local { path } else { "/" }
}
