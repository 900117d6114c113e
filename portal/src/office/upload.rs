//! A file on its way from the browser into the importer: never on a disk, bounded in memory.

use std::io::{self, Read};
use std::sync::{Arc, mpsc};

use bytes::{Buf, Bytes};
use futures::{StreamExt, TryStreamExt};
use keis_registry::Actor;
use keis_registry::import::{self, ImportError, ImportReport, Kind, Options, Progress};
use keis_registry::permission::{Body, Permission};
use keis_registry::users::User;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_sessions::Session;
use warp::Filter;
use warp::http::Method;
use warp::multipart::{FormData, Part};
use warp::reply::Response;

use super::job::{Content, End, Jobs, Task};
use crate::call::{Call, Fields, redirect};
use crate::route::{Answered, Route};
use crate::site::Site;

/// Where a file is sent.
pub(super) const ADDRESS: &str = "/office/import/upload";
/// Longest file.
const MOST: usize = 512 * 1024 * 1024;
/// Most bytes that wait for the importer; whoever sends faster waits.
const WAITING: usize = 64 * 1024 * 1024;
/// Longest field beside the file.
const FIELD: usize = 1024;
/// Fields beside the file.
const FIELDS: usize = 8;

/// Bytes with their place among those that wait.
struct Piece {
    bytes: Bytes,
    _place: Option<OwnedSemaphorePermit>,
}

/// What arrives, as the importer reads it. An upload that breaks off is an error, never the end of the file.
struct Incoming {
    pieces: mpsc::Receiver<Option<Piece>>,
    current: Option<Piece>,
    ended: bool,
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.ended {
                return Ok(0);
            }
            if let Some(piece) = &mut self.current
                && piece.bytes.has_remaining()
            {
                let length = buffer.len().min(piece.bytes.remaining());
                piece.bytes.copy_to_slice(&mut buffer[..length]);
                return Ok(length);
            }
            self.current = None;
            match self.pieces.recv() {
                Ok(Some(piece)) => self.current = Some(piece),
                Ok(None) => self.ended = true,
                Err(mpsc::RecvError) => {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the upload broke off"));
                }
            }
        }
    }
}

/// The route that takes a file. It answers with the import's page, which says what became of it.
pub(super) fn route(site: &Arc<Site>, jobs: &Arc<Jobs>) -> Route {
    let (site, jobs) = (site.clone(), jobs.clone());
    let filter = warp::path!("office" / "import" / "upload")
        .and(warp::post())
        .and(warp::ext::get::<Session>())
        .and(warp::multipart::form().max_length(None))
        .then(move |session: Session, form: FormData| {
            let (site, jobs) = (site.clone(), jobs.clone());
            async move {
                let to = match received(&site, &jobs, &session, form).await {
                    Ok(()) => "/office/import".to_owned(),
                    Err(Problem::SignIn) => "/signin?next=%2Foffice%2Fimport".to_owned(),
                    Err(Problem::Told(key)) => format!("/office/import?problem={key}"),
                };
                let mut response = redirect(&to).unwrap_or_else(|_| Response::new("".into()));
                response.extensions_mut().insert(Answered(ADDRESS));
                response
            }
        });
    Route { method: Method::POST, template: ADDRESS, filter: filter.boxed() }
}

/// What the import's page is to tell.
enum Problem {
    SignIn,
    Told(&'static str),
}

async fn received(site: &Arc<Site>, jobs: &Arc<Jobs>, session: &Session, form: FormData) -> Result<(), Problem> {
    let user = user(site, session).await?;
    let mut form = std::pin::pin!(form);
    let mut fields = Fields::default();
    while let Some(part) = form.try_next().await.map_err(|_| Problem::Told("broken"))? {
        if part.name() == "file" {
            if part.filename().is_none_or(str::is_empty) {
                return Err(Problem::Told("no-file"));
            }
            let task = task(&fields).ok_or(Problem::Told("fields"))?;
            return file(site, jobs, &user, task, part).await;
        }
        if fields.0.len() == FIELDS {
            return Err(Problem::Told("fields"));
        }
        let name = part.name().to_owned();
        fields.0.push((name, text(part).await?));
    }
    Err(Problem::Told("no-file"))
}

async fn user(site: &Arc<Site>, session: &Session) -> Result<User, Problem> {
    let id = Call::user_of(session).await.and_then(|id| id.parse().ok()).ok_or(Problem::SignIn)?;
    let user = site.registry.user(id).await.map_err(|_| Problem::Told("broken"))?.ok_or(Problem::SignIn)?;
    let may = user.may(Permission::ImportRegister, &Body::Operator);
    if may { Ok(user) } else { Err(Problem::Told("forbidden")) }
}

async fn text(part: Part) -> Result<String, Problem> {
    let mut stream = std::pin::pin!(part.stream());
    let mut bytes = Vec::new();
    while let Some(piece) = stream.next().await {
        let mut piece = piece.map_err(|_| Problem::Told("broken"))?;
        if bytes.len() + piece.remaining() > FIELD {
            return Err(Problem::Told("fields"));
        }
        bytes.extend_from_slice(&piece.copy_to_bytes(piece.remaining()));
    }
    String::from_utf8(bytes).map_err(|_| Problem::Told("fields"))
}

fn task(fields: &Fields) -> Option<Task> {
    let year = super::forms::number::<u16>(fields.get("year")?).filter(|year| (2000..10_000).contains(year))?;
    Some(Task {
        content: Content::of(fields.get("content")?)?,
        year: keis_ledger::classifiers::Year(year),
        dry_run: fields.ticked("dry"),
        mass_leaving: fields.ticked("mass"),
        began: keis_registry::now(),
    })
}

/// Hands a file to the importer while it arrives.
async fn file(site: &Arc<Site>, jobs: &Arc<Jobs>, user: &User, task: Task, part: Part) -> Result<(), Problem> {
    let at = site.now().await.map_err(|_| Problem::Told("ledger"))?;
    if !jobs.begin(task) {
        return Err(Problem::Told("busy"));
    }
    let (sender, pieces) = mpsc::channel();
    let incoming = Incoming { pieces, current: None, ended: false };
    let (registry, jobs, actor) = (site.registry.clone(), jobs.clone(), user.actor());
    let runtime = Handle::current();
    let reading = tokio::task::spawn_blocking({
        let jobs = jobs.clone();
        move || {
            let mut progress = |progress: Progress| jobs.report(progress);
            runtime.block_on(read(&registry, &actor, task, at, incoming, &mut progress))
        }
    });
    tokio::spawn(async move {
        let end = match reading.await {
            Ok(Ok(report)) => End::Read(report),
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "an extract was not taken over");
                End::Failed(error)
            }
            Err(error) => {
                tracing::error!(%error, "the importer broke off");
                End::Broken
            }
        };
        jobs.end(end);
    });
    send(part, sender).await
}

/// Passes on what arrives. When the importer has ended early the rest is read and dropped, so that the browser gets its answer.
async fn send(part: Part, sender: mpsc::Sender<Option<Piece>>) -> Result<(), Problem> {
    let room = Arc::new(Semaphore::new(WAITING));
    let mut stream = std::pin::pin!(part.stream());
    let mut length = 0;
    while let Some(piece) = stream.next().await {
        let mut piece = piece.map_err(|_| Problem::Told("broken"))?;
        let bytes = piece.copy_to_bytes(piece.remaining());
        length += bytes.len();
        if length > MOST {
            return Err(Problem::Told("too-large"));
        }
        let places = u32::try_from(bytes.len().min(WAITING)).unwrap_or(u32::MAX);
        // The importer's end drops what waits for it, and with it its places.
        let _place = room.clone().acquire_many_owned(places).await.ok();
        // A closed channel is the importer's end: it has told why.
        drop(sender.send(Some(Piece { bytes, _place })));
    }
    drop(sender.send(None));
    Ok(())
}

async fn read(
    registry: &keis_registry::Registry,
    actor: &Actor,
    task: Task,
    at: keis_ledger::time::Timestamp,
    incoming: Incoming,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<ImportReport, ImportError> {
    let kind = match task.content {
        Content::Pupils => Kind::Full,
        Content::Changes => Kind::Delta,
        Content::Schools => return import::import_schools(registry, actor, incoming, task.dry_run, progress).await,
        Content::Providers => return import::import_providers(registry, actor, incoming, task.dry_run, progress).await,
    };
    let mut options = Options::new(kind, task.year, at);
    options.dry_run = task.dry_run;
    options.allow_mass_leaving = task.mass_leaving;
    import::import_pupils(registry, actor, incoming, options, progress).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &'static str) -> Option<Piece> {
        Some(Piece { bytes: Bytes::from_static(text.as_bytes()), _place: None })
    }

    #[test]
    fn what_arrives_in_pieces_is_read_as_one() {
        let (sender, pieces) = mpsc::channel();
        for part in [piece("register_code,"), piece(""), piece("given_name\n"), None] {
            sender.send(part).ok().unwrap();
        }
        let mut text = String::new();
        Incoming { pieces, current: None, ended: false }.read_to_string(&mut text).unwrap();
        assert_eq!(text, "register_code,given_name\n");
    }

    #[test]
    fn an_upload_that_breaks_off_is_no_shorter_file() {
        let (sender, pieces) = mpsc::channel();
        sender.send(piece("register_code")).ok().unwrap();
        drop(sender);
        let mut text = String::new();
        let error = Incoming { pieces, current: None, ended: false }.read_to_string(&mut text).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
