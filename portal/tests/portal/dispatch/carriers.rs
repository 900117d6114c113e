//! Both ways of invoices over the registry's worker.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use keis_portal::dispatch::{Folder, Http, SetupError};
use keis_portal::settings::{Dispatch, DispatchKind};
use keis_registry::dispatch::{Carrier, DispatchState};
use keis_registry::ids::MessageId;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls_pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use crate::dispatch::receiver::{Receiver, Scripted};
use crate::dispatch::scene::{Scene, bytes};

fn way(receiver: &Receiver) -> Dispatch {
    Dispatch { request_seconds: 5, ..Dispatch::new(DispatchKind::Http, receiver.address.clone()) }
}

fn http(receiver: &Receiver) -> Http {
    Http::new(&way(receiver)).expect("an address")
}

async fn history(seed: u64) {
    let scene = Scene::new().await;
    let documents = scene.queue(1..=5).await;
    let receiver = Receiver::start(seed, true).await;
    let settings = Dispatch { look_up: seed.is_multiple_of(2), ..way(&receiver) };
    for _ in 0..12 {
        // Every time somebody else, as after a restart; now and then two at once.
        let (one, other) = (Http::new(&settings).expect("an address"), Http::new(&settings).expect("an address"));
        if seed.is_multiple_of(3) {
            tokio::join!(scene.step(&one), scene.step(&other));
        } else {
            scene.step(&one).await;
        }
        scene.pass(31);
    }
    receiver.inside().wild = false;
    for _ in 0..4 {
        scene.step(&http(&receiver)).await;
        scene.pass(61);
    }
    assert_eq!(receiver.inside().inbox.len(), documents.len(), "seed {seed}");
    for new in &documents {
        let id = new.message().to_string();
        assert_eq!(receiver.inside().inbox[&id].0, bytes(new), "seed {seed}");
        let refused = receiver.inside().log.iter().any(|one| one["message"] == id && one["verdict"] == "rejected");
        let (state, wishes) = (scene.state(new).await, scene.wishes(new).await);
        let wanted = if refused { (DispatchState::Rejected, (0, 1)) } else { (DispatchState::Approved, (1, 0)) };
        assert_eq!((state, wishes), wanted, "seed {seed}");
    }
    assert_eq!(scene.aside().await, Vec::<String>::new(), "seed {seed}");
}

#[tokio::test]
async fn through_a_receiver_that_fails_in_every_way_each_document_arrives_and_each_answer_counts_once() {
    for seed in 0..8 {
        history(seed).await;
    }
}

#[tokio::test]
async fn a_request_says_what_it_carries_and_nothing_else() {
    let scene = Scene::new().await;
    let [new] = scene.queue(1..=1).await[..] else { panic!("one was queued") };
    let receiver = Receiver::start(0, false).await;
    let token = scene.folder.path().join("token");
    let settings = Dispatch { token_file: Some(token.clone()), ..way(&receiver) };
    let carrier = Http::new(&settings).expect("an address");
    receiver.inside().token = Some("paslaptis".to_owned());
    assert_eq!(scene.step(&carrier).await.later, 1);
    assert_eq!(scene.get(&new).await.trouble.as_deref(), Some("no_token"));
    assert!(receiver.inside().asked.is_empty(), "nothing is asked without the token");
    fs::write(&token, "wrong\n").expect("it is written");
    scene.pass(61);
    assert_eq!(scene.step(&carrier).await.later, 1);
    assert_eq!(scene.get(&new).await.trouble.as_deref(), Some("status_401"));
    fs::write(&token, "paslaptis\n").expect("it is written");
    scene.pass(61);
    assert_eq!(scene.step(&carrier).await.sent, 1, "a token is read anew");
    let inside = receiver.inside();
    let post = inside.asked.iter().rfind(|asked| asked.method == "POST").expect("it was sent");
    let of = |name: &str| post.headers.get(name).map(String::as_str);
    assert_eq!(of("idempotency-key"), Some(new.message().to_string().as_str()));
    assert_eq!(of("authorization"), Some("Bearer paslaptis"));
    assert_eq!(of("document-kind"), Some("invoice"));
    assert_eq!(of("document-sender"), Some("0200:300000017"));
    assert_eq!(of("document-receiver"), None, "what cannot stand in a header is left out");
    assert_eq!(of("injected"), None);
    assert_eq!(of("document-sha256").map(str::len), Some(64));
    assert_eq!(post.body, bytes(&new));
}

#[tokio::test]
async fn what_a_receiver_may_answer_is_understood_and_bounded() {
    let scene = Scene::new().await;
    let receiver = Receiver::start(0, false).await;
    let elsewhere = Receiver::start(0, false).await;
    let carrier = http(&receiver);
    let status = |status, headers: &'static str| Scripted::Status(status, headers, String::new());
    let leads = format!("location: {}/documents\r\n", elsewhere.address).leak();
    for (number, (script, state, trouble)) in [
        (status(302, leads), DispatchState::Leaving, "status_302"),
        (status(409, ""), DispatchState::Leaving, "status_409"),
        (status(500, ""), DispatchState::Leaving, "status_500"),
        (status(400, ""), DispatchState::Dead, "status_400"),
        (status(422, ""), DispatchState::Dead, "status_422"),
        (Scripted::BreakOff, DispatchState::Leaving, "unreachable"),
    ]
    .into_iter()
    .enumerate()
    {
        let number = 10 + u8::try_from(number).expect("few");
        let [new] = scene.queue(number..=number).await[..] else { panic!("one was queued") };
        receiver.inside().script = vec![script];
        scene.step(&carrier).await;
        let kept = scene.get(&new).await;
        assert_eq!((kept.state, kept.trouble.as_deref()), (state, Some(trouble)));
        scene.registry.retry_dispatch(&crate::dispatch::scene::SYSTEM, new.message()).await.expect("it is tried again");
        scene.pass(61);
        scene.step(&carrier).await;
    }
    assert!(elsewhere.inside().asked.is_empty(), "a redirect was followed");
    let id = MessageId([1; 16]);
    for (script, wanted) in [(405, Ok(None)), (404, Ok(Some(false))), (200, Ok(Some(true))), (503, Err("status_503"))] {
        receiver.inside().script = vec![status(script, "")];
        assert_eq!(carrier.known(id).await.map_err(|not_now| not_now.why), wanted.map_err(str::to_owned));
    }
    receiver.inside().script = vec![status(429, "retry-after: 7\r\n")];
    let pause = carrier.known(id).await.expect_err("too fast").after;
    assert_eq!(pause, Some(std::time::Duration::from_secs(7)));
    for (body, why) in [
        ("[]".to_owned(), "no_json"),
        ("{\"answers\": 1}".to_owned(), "no_json"),
        ("x".repeat(3 * 1024 * 1024), "too_long"),
        (format!("{{\"answers\": [], \"next\": \"{}\"}}", "n".repeat(600)), "too_long"),
    ] {
        receiver.inside().script = vec![Scripted::Status(200, "", body)];
        assert_eq!(carrier.answers("").await.map_err(|not_now| not_now.why), Err(why.to_owned()));
    }
    let endless = r#"{"answers": [{"id": "a", "message": "m", "verdict": "received"}]}"#;
    receiver.inside().script = vec![Scripted::Status(200, "", endless.to_owned())];
    let batch = carrier.answers("5").await.expect("a page");
    assert_eq!((batch.items.len(), batch.cursor.as_str(), batch.more), (1, "5", false), "a page that leads nowhere");
}

/// An authority of its own, and a certificate of `localhost` by it.
fn authority() -> (String, TlsAcceptor) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&key).expect("a certificate");
    let own = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).expect("names");
    let leaf = leaf.signed_by(&own, &root, &key).expect("a certificate");
    drop(rustls::crypto::ring::default_provider().install_default());
    let secret = PrivateKeyDer::try_from(own.serialize_der()).expect("a key");
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![leaf.der().clone()], secret).expect("they belong together");
    (root.pem(), TlsAcceptor::from(Arc::new(config)))
}

#[tokio::test]
async fn only_the_authority_of_the_settings_vouches_for_the_address() {
    let scene = Scene::new().await;
    let [new] = scene.queue(1..=1).await[..] else { panic!("one was queued") };
    let (pem, acceptor) = authority();
    let receiver = Receiver::secured(acceptor).await;
    assert_eq!(scene.step(&http(&receiver)).await.later, 1, "nobody knows the certificate's authority");
    assert!(receiver.inside().asked.is_empty());
    let file = scene.folder.path().join("ca.pem");
    let settings = Dispatch { authority_file: Some(file.clone()), ..way(&receiver) };
    assert!(matches!(Http::new(&settings), Err(SetupError::Authority { .. })));
    fs::write(&file, pem).expect("it is written");
    scene.pass(61);
    assert_eq!(scene.step(&Http::new(&settings).expect("an address")).await.sent, 1);
    assert_eq!(receiver.inside().inbox[&new.message().to_string()].0, bytes(&new));
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("it is there");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("it is read").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_folder_gets_each_document_once_and_gives_its_answers_once() {
    let scene = Scene::new().await;
    let documents = scene.queue(1..=6).await;
    let place = scene.folder.path().join("sabis");
    let (one, other) = (Folder::new(&place).expect("a folder"), Folder::new(&place).expect("a folder"));
    let (first, second) = tokio::join!(scene.step(&one), scene.step(&other));
    assert_eq!(first.sent + second.sent, 6);
    for new in &documents {
        let out = place.join("out");
        assert_eq!(fs::read(out.join(format!("{}.xml", new.message()))).expect("it left"), bytes(new));
        let sidecar = fs::read(out.join(format!("{}.json", new.message()))).expect("it is told");
        let sidecar: serde_json::Value = serde_json::from_slice(&sidecar).expect("it is JSON");
        assert_eq!(sidecar["message"], new.message().to_string());
        assert_eq!((sidecar["kind"].as_str(), sidecar["sender"].as_str()), (Some("invoice"), Some("0200:300000017")));
        assert_eq!(sidecar["bytes"].as_u64(), u64::try_from(bytes(new).len()).ok());
    }
    let answers = place.join("answers");
    let answer = |name: &str, text: String| fs::write(answers.join(name), text).expect("it is written");
    let id = documents[0].message();
    answer("1.json", format!(r#"{{"id": "1", "message": "{id}", "verdict": "approved"}}"#));
    answer("2.json", format!(r#"{{"id": "2", "message": "{id}", "verdict": "received"}}"#));
    answer("3.json", "Approved!".to_owned());
    let (first, second) = tokio::join!(scene.step(&one), scene.step(&other));
    assert_eq!(first.taken + second.taken, 3);
    answer("1.json", format!(r#"{{"id": "1", "message": "{id}", "verdict": "approved"}}"#));
    scene.step(&one).await;
    assert_eq!(
        (scene.state(&documents[0]).await, scene.wishes(&documents[0]).await),
        (DispatchState::Approved, (1, 0))
    );
    assert_eq!(scene.aside().await, ["no_json"]);
    assert_eq!(names(&answers), ["bad", "done"]);
    assert_eq!(names(&answers.join("done")), ["1.json", "1.json.1", "2.json"]);
    assert_eq!(names(&answers.join("bad")), ["3.json", "3.json.why"]);
}
