//! Who stands in a party's place reads what stands under the old name, and nobody else does.

use keis_ledger::ids::StatementId;
use keis_ledger::operation::Buyer;
use keis_registry::invoices::{FileMark, NewPaper, PaperKind};
use keis_registry::permission::{Body, Permission, Role};
use keis_registry::refusals::NewRefusal;
use keis_registry::{Actor, RegistryError};

use crate::scene::{CERTIFICATE, OTHER_SCHOOL, PROVIDER, SYSTEM, YEAR, provider, scene};
use crate::support::both;
use keis_registry::bodies::ProviderKind;

const STATEMENT: StatementId = StatementId([51; 16]);

#[tokio::test]
async fn successors_read_the_papers_of_who_stood_there_before() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let third = provider("300000028", ProviderKind::Legal, "Naujas teatras");
        let third = registry.put_provider(&SYSTEM, &third).await.unwrap().body.id;
        let new = NewPaper {
            kind: PaperKind::Invoice,
            year: YEAR,
            statement: STATEMENT,
            provider: scene.provider,
            buyer: Buyer::School(scene.school),
            number: "LT 77".to_owned(),
            file: FileMark::of("77.pdf", b"%PDF"),
        };
        let kept = registry.keep_paper(&SYSTEM, &new).await.unwrap();
        let NewPaper { statement, provider, buyer, .. } = new;
        let refusal = NewRefusal { statement, file: kept.file, provider, buyer };
        registry.keep_refusal(&SYSTEM, &refusal, Some("kita suma")).await.unwrap();
        let staff = async |code: &str| scene.user(code, Role::ProviderStaff, Some(code)).await.actor();
        let (own, second, last) = (staff(PROVIDER).await, staff(CERTIFICATE).await, staff("300000028").await);
        let other = scene.user("other school", Role::Coordinator, Some(OTHER_SCHOOL)).await.actor();
        let seen = async |actor: &Actor| match registry.papers(actor, YEAR, STATEMENT).await {
            Ok(papers) => papers.len(),
            Err(RegistryError::Denied(Permission::SeeStatements)) => 0,
            Err(other) => panic!("{other}"),
        };
        assert_eq!((seen(&own).await, seen(&second).await, seen(&last).await, seen(&other).await), (1, 0, 0, 0));
        assert!(registry.refusals(&last, STATEMENT, None).await.is_err());

        let body = Body::Provider;
        registry.note_succession(&body(scene.provider), &body(scene.natural)).await.unwrap();
        assert_eq!((seen(&own).await, seen(&second).await, seen(&last).await), (1, 1, 0));
        registry.note_succession(&body(scene.natural), &body(third)).await.unwrap();
        assert_eq!(seen(&last).await, 1, "the way to the last one is followed");
        assert_eq!(registry.refusals(&last, STATEMENT, None).await.unwrap().len(), 1);
        let noted = async || scene.actions().await.iter().filter(|action| *action == "succession noted").count();
        assert_eq!(noted().await, 2);
        registry.note_succession(&body(scene.natural), &body(third)).await.unwrap();
        for (party, successor) in
            [(Body::School(scene.school), body(third)), (body(third), Body::Operator), (body(third), body(third))]
        {
            registry.note_succession(&party, &successor).await.unwrap();
        }
        assert_eq!(noted().await, 2, "nothing new was noted");

        assert_eq!(seen(&other).await, 0);
        registry.note_succession(&Body::School(scene.school), &Body::School(scene.other)).await.unwrap();
        assert_eq!(seen(&other).await, 1);
        // A circle is on no ledger, and ends nothing here either.
        registry.note_succession(&Body::School(scene.other), &Body::School(scene.school)).await.unwrap();
        assert_eq!(seen(&other).await, 1);
    })
    .await;
}
