site-name = Culture Passport
skip-to-content = Skip to content
simulated-label = About this network
simulated-network = A trial network: its people, money and time are invented.
nav-label = Main menu
nav-services = Services
nav-figures = Figures
nav-school = My school
nav-classes = Classes
nav-orders = Orders
nav-unreached = Not reached yet
nav-provider = My organisation
nav-sessions = Sessions
nav-requests = Orders
nav-statements = Statements
nav-office = Work list
nav-keys = Keys
nav-year = Programme year
nav-bills = Bills
nav-publishing = Publishing
nav-import = Pupil Register
nav-people = Participants
nav-log = Log
nav-differences = Differences
nav-wallet = My keys
nav-decisions = Decisions
nav-group-work = Work
nav-group-money = Year and money
nav-group-register = Register and catalogue
nav-group-oversight = Oversight
other-language = Lietuvių
sign-in = Sign in
sign-out = Sign out
footer = Information system of the culture passport. Controller: Ministry of Culture; processor: Martynas Mažvydas National Library of Lithuania.
footer-about = Accessibility and personal data
go-home = To the start page
back = Back
save = Save
cancel = Cancel
next-page = Next page
yes = Yes
no = No
weekday-1 = Monday
weekday-2 = Tuesday
weekday-3 = Wednesday
weekday-4 = Thursday
weekday-5 = Friday
weekday-6 = Saturday
weekday-7 = Sunday
count-pupils = { $category ->
    [one] { $n } pupil
   *[other] { $n } pupils
}
count-places = { $category ->
    [one] { $n } place
   *[other] { $n } places
}
count-orders = { $category ->
    [one] { $n } order
   *[other] { $n } orders
}
count-services = { $category ->
    [one] { $n } service
   *[other] { $n } services
}
count-sessions = { $category ->
    [one] { $n } session
   *[other] { $n } sessions
}
count-days = { $category ->
    [one] { $n } day
   *[other] { $n } days
}
order-proposed = proposed
order-requested = waits for the provider
order-confirmed = confirmed
order-delivered = delivered, attendance to confirm
order-attended = attendance confirmed
order-attended_automatically = attendance confirmed automatically
order-settled = settled
order-declined = declined
order-lapsed = lapsed
order-cancelled_free = cancelled without charge
order-cancelled_late = cancelled late
order-cancelled_by_provider = cancelled by the provider
order-cancelled_force_majeure = cancelled by force majeure
order-disputed = disputed
order-reversed = reversed
statement-issued = waits for the provider
statement-accepted = accepted
statement-contested = contested
statement-invoice_attached = invoice attached
statement-approved = invoice approved
statement-paid = paid
statement-reconciled = paid and reconciled
statement-credited = credited in full
trouble-signin = Please sign in
trouble-signin-more = Sign in and you will come back to this page.
trouble-forbidden = This page cannot be shown to you
trouble-forbidden-more = Your role does not allow this. If it should, ask your organisation's administrator.
trouble-not-found = There is no such page
trouble-not-found-more = Check the address, or go back to the start page.
trouble-method = This address is not used like that
trouble-method-more = Go back and try again from the page where you were.
trouble-malformed = Some fields are not filled in properly
trouble-field = A field is empty or its value cannot be used. Go back and correct it.
trouble-body = What was sent did not arrive whole. Go back and try again.
trouble-too-large = Too much was sent
trouble-too-large-more = Make the file smaller or split it.
trouble-sealed = This year is sealed
trouble-sealed-more = Everything of the year was paid and closed. Its orders and statements are kept in the archives only: ask the programme's processor, who can show them with a proof.
trouble-ledger = The ledger does not answer at the moment
trouble-ledger-more = Nothing is lost. Wait a minute and try again.
trouble-internal = Something went wrong
trouble-internal-more = It was written to our log. Try again; if it fails once more, ask for help.
