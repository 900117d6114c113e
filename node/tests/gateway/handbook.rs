//! The description as a page.

use crate::support::Stand;

#[tokio::test(flavor = "multi_thread")]
async fn page_tells_every_address_without_scripts_or_outside_resources() {
    let stand = Stand::start().await;
    let answer = stand.get("/docs").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
    let page = String::from_utf8(answer.body.clone()).unwrap();
    for (method, path) in stand.gateway.as_ref().unwrap().routes() {
        assert!(page.contains(&format!("<code>{method} {path}</code></h3>")), "{method} {path}");
    }
    for part in ["<script", "src=", "@import", "url(", "http://", "https://"] {
        assert!(!page.contains(part), "{part}");
    }
    let anchors = page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap());
    for anchor in anchors {
        assert!(page.contains(&format!("id=\"{anchor}\"")), "{anchor} leads nowhere");
    }
    assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">") && page.contains("<title>KEIS node</title>"));
    stand.get("/docs?theme=dark").await.is_problem(400, "malformed");
}
