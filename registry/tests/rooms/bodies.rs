//! Schools and providers.

use keis_registry::bodies::{NewProvider, NewSchool, ProviderKind};
use keis_registry::{Page, RegistryError};

use crate::scene::{CERTIFICATE, PROVIDER, SCHOOL, SYSTEM, provider, scene, school};
use crate::support::both;

#[tokio::test]
async fn the_same_again_changes_nothing_and_a_change_keeps_the_wallet() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let again = registry.put_school(&SYSTEM, &school(SCHOOL, "Šilo gimnazija")).await.unwrap();
        assert!(!again.fresh && !again.changed && again.body.id == scene.school);
        let renamed = registry.put_school(&SYSTEM, &school(SCHOOL, "Girios gimnazija")).await.unwrap();
        assert!(!renamed.fresh && renamed.changed && renamed.body.id == scene.school);
        assert_eq!(registry.school(scene.school).await.unwrap().unwrap().name, "Girios gimnazija");
        for (code, kind, id) in
            [(PROVIDER, ProviderKind::Legal, scene.provider), (CERTIFICATE, ProviderKind::Natural, scene.natural)]
        {
            let new = provider(code, kind, "Kitas vardas");
            let put = registry.put_provider(&SYSTEM, &new).await.unwrap();
            assert!(put.changed && put.body.id == id);
            assert!(!registry.put_provider(&SYSTEM, &new).await.unwrap().changed);
            let read = registry.provider_by_code(code).await.unwrap().unwrap();
            assert_eq!((read.id, read.kind, read.name.as_str(), read.code.as_str()), (id, kind, "Kitas vardas", code));
        }
    })
    .await;
}

#[tokio::test]
async fn one_controlling_code_is_one_entity() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let entity = registry.school(scene.school).await.unwrap().unwrap().entity;
        let owned = NewProvider {
            controlling_code: Some(SCHOOL.to_owned()),
            ..provider("300000028", ProviderKind::Legal, "Mokyklos teatras")
        };
        assert_eq!(registry.put_provider(&SYSTEM, &owned).await.unwrap().body.entity, entity);
        let branch = NewSchool { controlling_code: Some(SCHOOL.to_owned()), ..school("190000030", "Šilo skyrius") };
        assert_eq!(registry.put_school(&SYSTEM, &branch).await.unwrap().body.entity, entity);
        assert_ne!(registry.provider(scene.provider).await.unwrap().unwrap().entity, entity);
    })
    .await;
}

#[tokio::test]
async fn lists_are_searched_and_in_lithuanian_order() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        for (code, name) in
            [("190000041", "Zarasų mokykla"), ("190000052", "Ąžuolo mokykla"), ("190000063", "Yčo mokykla")]
        {
            registry.put_school(&SYSTEM, &school(code, name)).await.unwrap();
        }
        let names = async |search, page| {
            let listed = registry.schools(search, &page).await.unwrap();
            (listed.items.into_iter().map(|school| school.name).collect::<Vec<_>>(), listed.next)
        };
        let (all, next) = names("", Page::first(100)).await;
        assert_eq!(all, ["Ąžuolo mokykla", "Yčo mokykla", "Šilo gimnazija", "Upės mokykla", "Zarasų mokykla"]);
        assert_eq!(next, None);
        assert_eq!(names("ŠILO", Page::first(100)).await.0, ["Šilo gimnazija"]);
        assert_eq!(names(SCHOOL, Page::first(100)).await.0, ["Šilo gimnazija"]);
        let (first, next) = names("mokykla", Page::first(3)).await;
        assert_eq!((first.len(), next), (3, Some(3)));
        assert_eq!(names("mokykla", Page { after: next, limit: 3 }).await, (vec!["Zarasų mokykla".to_owned()], None));
        let found = registry.providers("naturalis", &Page::default()).await.unwrap();
        assert_eq!(found.items.iter().map(|provider| provider.id).collect::<Vec<_>>(), [scene.natural]);
    })
    .await;
}

#[tokio::test]
async fn a_coordinator_keeps_no_bodies() {
    both(async |place| {
        let scene = scene(&place).await;
        let actor = scene.coordinator().await.actor();
        let put = scene.registry.put_school(&actor, &school("190000074", "Naujoji mokykla")).await;
        assert!(matches!(put, Err(RegistryError::Denied(_))), "{put:?}");
    })
    .await;
}
