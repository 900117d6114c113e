//! From an identity provider's claims to what the registry takes.

use keis_registry::permission::Role;
use keis_registry::users::RoleClaim;
use serde_json::Value;

/// Most roles that are read of one person.
const MOST_ROLES: usize = 100;

/// The roles of a claim: an array of `{"role": …, "body": …}` or `"role:body"`. What cannot be read grants nothing.
pub(super) fn roles(claim: Option<&Value>) -> Vec<RoleClaim> {
    let listed = match claim {
        Some(Value::Array(listed)) => listed.as_slice(),
        Some(one @ (Value::Object(_) | Value::String(_))) => std::slice::from_ref(one),
        Some(Value::Null | Value::Bool(_) | Value::Number(_)) | None => &[],
    };
    listed.iter().take(MOST_ROLES).filter_map(role).collect()
}

fn role(value: &Value) -> Option<RoleClaim> {
    let (role, body) = match value {
        Value::Object(fields) => (fields.get("role")?.as_str()?, fields.get("body").and_then(Value::as_str)),
        Value::String(text) => match text.split_once(':') {
            Some((role, body)) => (role, Some(body)),
            None => (text.as_str(), None),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => return None,
    };
    let role: Role = role.trim().parse().ok()?;
    let body = body.map(str::trim).filter(|body| !body.is_empty()).map(str::to_owned);
    Some(RoleClaim { role, body })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claim(role: Role, body: Option<&str>) -> RoleClaim {
        RoleClaim { role, body: body.map(str::to_owned) }
    }

    #[test]
    fn roles_are_read_from_objects_and_texts() {
        let both = json!([{ "role": "teacher", "body": "190000001" }, "coordinator:190000002", "officer"]);
        let read = roles(Some(&both));
        assert_eq!(
            read,
            [
                claim(Role::Teacher, Some("190000001")),
                claim(Role::Coordinator, Some("190000002")),
                claim(Role::Officer, None)
            ]
        );
        assert_eq!(roles(Some(&json!("officer"))), [claim(Role::Officer, None)]);
    }

    #[test]
    fn what_cannot_be_read_grants_nothing() {
        for odd in
            [json!(null), json!(true), json!(7), json!({}), json!({ "role": 1 }), json!([["officer"], "king", ""])]
        {
            assert!(roles(Some(&odd)).is_empty(), "{odd}");
        }
        assert!(roles(None).is_empty());
    }
}
