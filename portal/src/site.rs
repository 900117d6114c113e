//! What every page has at hand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use keis_ledger::classifiers::Year;
use keis_ledger::crypto::Hash;
use keis_ledger::ids::InstitutionId;
use keis_ledger::parameters::ProgrammeParameters;
use keis_ledger::record::YearState;
use keis_ledger::time::Timestamp;
use keis_registry::Registry;
use keis_registry::permission::Role;
use keis_wallet::client::{Client, YearParameters};
use warp::http::Method;

use crate::call::Call;
use crate::catalogue::Catalogue;
use crate::route::fits;
use crate::settings::Settings;
use crate::signin::SignIn;
use crate::trouble::Trouble;

/// How long the programme's rules are taken from memory.
const FRESH: Duration = Duration::from_secs(2);

/// The network that the portal belongs to.
#[derive(Debug, Clone)]
pub struct Network {
    /// Hash of the founding document.
    pub hash: Hash,
    /// Whether its time is stepped by a driver.
    pub simulated: bool,
    /// The institutions that found it.
    pub institutions: Institutions,
}

/// Institutions that the founding document names. Who joins later has no name here, and is shown by its id.
#[derive(Debug, Clone, Default)]
pub struct Institutions {
    /// What people call them.
    pub names: BTreeMap<InstitutionId, String>,
    /// Whose officers operate the programme.
    pub operators: Vec<InstitutionId>,
    /// Whose officers hold the budget.
    pub budget_holders: Vec<InstitutionId>,
}

impl Institutions {
    /// What people call an institution.
    pub fn name(&self, id: InstitutionId) -> String {
        self.names.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    /// The institution whose officers have this role, where there is one alone.
    pub fn of(&self, role: Role) -> Option<InstitutionId> {
        let all = match role {
            Role::Officer => &self.operators,
            Role::BudgetOfficer => &self.budget_holders,
            Role::Coordinator | Role::Teacher | Role::ProviderStaff => return None,
        };
        match all[..] {
            [only] => Some(only),
            _ => None,
        }
    }
}

/// The programme as it stands now.
#[derive(Debug, Clone)]
pub struct Programme {
    /// The year of orders.
    pub year: Year,
    /// Whether it is open.
    pub state: YearState,
    /// Its rules.
    pub parameters: ProgrammeParameters,
    /// The network's time.
    pub now: Timestamp,
}

/// The whole site.
pub struct Site {
    /// Settings.
    pub settings: Settings,
    /// The network.
    pub network: Network,
    /// The central database.
    pub registry: Registry,
    /// The ledger's gateways; reads carry the operator's signature.
    pub client: Client,
    /// Services and sessions, ready to be searched.
    pub catalogue: Catalogue,
    /// Ways to sign in.
    pub sign_in: SignIn,
    pub(crate) templates: OnceLock<Vec<(Method, &'static str)>>,
    rules: Mutex<Option<(Instant, Vec<YearParameters>)>>,
}

impl Site {
    /// Puts the parts together.
    pub fn new(
        settings: Settings,
        network: Network,
        registry: Registry,
        client: Client,
        catalogue: Catalogue,
        sign_in: SignIn,
    ) -> Arc<Self> {
        let templates = OnceLock::new();
        Arc::new(Self { settings, network, registry, client, catalogue, sign_in, templates, rules: Mutex::default() })
    }

    /// The network's time.
    ///
    /// # Errors
    /// [`Trouble::Ledger`] when no gateway answers.
    pub async fn now(&self) -> Result<Timestamp, Trouble> {
        Ok(self.client.status().await?.clock)
    }

    /// The programme year in which people order now: the open one whose window has not passed, else the latest.
    ///
    /// # Errors
    /// [`Trouble::Ledger`] when no gateway answers; [`Trouble::NotFound`] while no year was opened.
    pub async fn programme(&self) -> Result<Programme, Trouble> {
        let now = self.now().await?;
        let years = self.years().await?;
        let current = |year: &&YearParameters| year.state == YearState::Open && now < year.parameters.window_until;
        let year = years.iter().find(current).or(years.last()).ok_or(Trouble::NotFound)?;
        Ok(Programme { year: year.year, state: year.state, parameters: year.parameters.clone(), now })
    }

    /// The rules of every year, ascending.
    ///
    /// # Errors
    /// [`Trouble::Ledger`] when no gateway answers.
    pub async fn years(&self) -> Result<Vec<YearParameters>, Trouble> {
        if let Some((read, years)) = &*self.rules.lock().unwrap_or_else(PoisonError::into_inner)
            && read.elapsed() < FRESH
        {
            return Ok(years.clone());
        }
        let years = self.client.parameters().await?.years;
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), years.clone()));
        Ok(years)
    }

    /// Why there is nothing of a year: it is sealed, or was never opened.
    pub(crate) async fn no_year(&self, year: Year) -> Trouble {
        match self.client.orders_summary(year).await {
            Ok(_) => Trouble::NotFound,
            Err(error) => error.into(),
        }
    }

    /// The year that a query asks for, by default the one in which people order; and every year with whether it is that one.
    pub(crate) async fn asked_year(&self, call: &Call) -> Result<(Year, Vec<(Year, bool)>), Trouble> {
        let years = self.years().await?;
        let year = match call.query.parse::<u16>("year")? {
            Some(year) => Year(year),
            None => self.programme().await?.year,
        };
        if !years.iter().any(|known| known.year == year) {
            return Err(self.no_year(year).await);
        }
        Ok((year, years.iter().map(|known| (known.year, known.year == year)).collect()))
    }

    /// Has the rules read anew: an act of this portal may have changed them.
    pub(crate) fn forget_rules(&self) {
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Methods that an address answers to.
    pub(crate) fn methods(&self, path: &str) -> Vec<Method> {
        let templates = self.templates.get().map(Vec::as_slice).unwrap_or_default();
        templates.iter().filter(|(_, template)| fits(template, path)).map(|(method, _)| method.clone()).collect()
    }
}
