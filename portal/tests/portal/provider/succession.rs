//! A successor reads the papers that stand under its predecessor's name.

use keis_registry::bodies::{NewProvider, ProviderKind};
use keis_registry::invoices::{FileMark, NewPaper, PaperKind};
use serde_json::json;

use super::invoicing::attach;
use super::*;

#[tokio::test]
async fn a_successor_reads_its_predecessors_papers_and_a_stranger_does_not() {
    let stage = Stage::new().await;
    let made = accepted(&stage);
    let before = NewProvider {
        code: "300000077".to_owned(),
        kind: ProviderKind::Legal,
        name: "Senasis teatras".to_owned(),
        place: stage.site.provider.place,
        vat_registered: false,
        controlling_code: None,
    };
    let system = Actor::System("test");
    let before = stage.site.registry.put_provider(&system, &before).await.expect("a provider").body.id;
    let new = NewPaper {
        kind: PaperKind::Invoice,
        year: YEAR,
        statement: made,
        provider: before,
        buyer: Buyer::Programme,
        number: "SEN 1".to_owned(),
        file: FileMark::of("senoji.pdf", b"%PDF"),
    };
    let kept = stage.site.registry.keep_paper(&system, &new).await.expect("it is kept");
    attach(&stage, made, &kept.file.to_string(), &kept.number.to_string());
    stage.market.book().statements.get_mut(&made).expect("it is there").provider = before;
    let staff = stage.staff().await;
    let path = format!("/provider/statements/{made}");
    assert_eq!(staff.get(&path).await.status, 404, "another provider's");

    stage.market.book().provider = json!({ "predecessors": [before] });
    let shown = page(&staff, &path).await;
    assert!(shown.text.contains("SEN 1") && shown.text.contains("senoji.pdf"), "{}", shown.text);
    stage.site.shutdown().await;
}
