bills-title = Sąskaitos ir mokėjimai
bills-programme = Kultūros paso programa
bills-source = Lėšos
bills-source-state = Valstybės lėšos
bills-source-school = Mokyklų lėšos
bills-part-paid = iš dalies apmokėta
bills-sealed-short = užantspauduoti
bills-debts = Teikėjų skolos ir grąžinimai
bills-end = Metų užbaigimas
bills-csv = Atsisiųsti mokėtinas sumas (CSV)
bills-waits = Kas ko laukia
bills-waits-nothing = Šiais metais niekas nieko nelaukia.
bills-waits-you = laukia jūsų
bills-wait-approve = { $category ->
    [one] { $n } sąskaita faktūra laukia tvarkytojo patvirtinimo
    [few] { $n } sąskaitos faktūros laukia tvarkytojo patvirtinimo
   *[other] { $n } sąskaitų faktūrų laukia tvarkytojo patvirtinimo
}
bills-wait-pay-programme = { $category ->
    [one] { $n } suvestinę turi apmokėti biudžeto valdytojas
    [few] { $n } suvestines turi apmokėti biudžeto valdytojas
   *[other] { $n } suvestinių turi apmokėti biudžeto valdytojas
}
bills-wait-pay-school = { $category ->
    [one] { $n } mokyklos lėšų suvestinę turi apmokėti tvarkytojas
    [few] { $n } mokyklų lėšų suvestines turi apmokėti tvarkytojas
   *[other] { $n } mokyklų lėšų suvestinių turi apmokėti tvarkytojas
}
bills-wait-compare-programme = { $category ->
    [one] { $n } apmokėtą suvestinę su banko išrašu turi sutikrinti tvarkytojas
    [few] { $n } apmokėtas suvestines su banko išrašu turi sutikrinti tvarkytojas
   *[other] { $n } apmokėtų suvestinių su banko išrašu turi sutikrinti tvarkytojas
}
bills-wait-compare-school = { $category ->
    [one] { $n } apmokėtą mokyklos lėšų suvestinę su banko išrašu turi sutikrinti biudžeto valdytojas
    [few] { $n } apmokėtas mokyklų lėšų suvestines su banko išrašu turi sutikrinti biudžeto valdytojas
   *[other] { $n } apmokėtų mokyklų lėšų suvestinių su banko išrašu turi sutikrinti biudžeto valdytojas
}
bills-wait-invoice = { $category ->
    [one] { $n } suvestinė laukia teikėjo sąskaitos faktūros
    [few] { $n } suvestinės laukia teikėjų sąskaitų faktūrų
   *[other] { $n } suvestinių laukia teikėjų sąskaitų faktūrų
}
bills-wait-answer = { $category ->
    [one] { $n } suvestinė laukia teikėjo atsakymo
    [few] { $n } suvestinės laukia teikėjų atsakymo
   *[other] { $n } suvestinių laukia teikėjų atsakymo
}
bills-list = Suvestinės
bills-count = { $category ->
    [one] { $n } suvestinė
    [few] { $n } suvestinės
   *[other] { $n } suvestinių
}
bills-state = Būsena
bills-month = Sudaryta
bills-provider-search = Teikėjo pavadinimas ar kodas
bills-school-search = Mokyklos pavadinimas ar kodas
bills-filter = Rodyti
bills-filter-none = Rodyti visas
bills-all = Visos
bills-all-states = Visos būsenos
bills-all-payers = Visos lėšos
bills-all-months = Visi mėnesiai
bills-month-1 = sausis
bills-month-2 = vasaris
bills-month-3 = kovas
bills-month-4 = balandis
bills-month-5 = gegužė
bills-month-6 = birželis
bills-month-7 = liepa
bills-month-8 = rugpjūtis
bills-month-9 = rugsėjis
bills-month-10 = spalis
bills-month-11 = lapkritis
bills-month-12 = gruodis
bills-sums = Sumos pagal būseną ir lėšų šaltinį
bills-sums-more = Patvirtintų ir iš dalies apmokėtų suvestinių rodoma likusi mokėti suma, kitų – visa suma.
bills-state-count = Suvestinių, valstybės lėšos
bills-state-sum = Valstybės lėšos
bills-school-count = Suvestinių, mokyklų lėšos
bills-school-sum = Mokyklų lėšos
bills-none = Tokių suvestinių nėra.
bills-provider = Teikėjas
bills-buyer = Mokėtojas
bills-invoice = Sąskaitos faktūros Nr.
bills-issued = Suvestinės data
bills-orders = Užsakymai
bills-total = Suma
bills-open = Liko mokėti
bills-credited = Kredituota ar grąžinta
bills-paid-bank = Sumokėta per banką
bills-set-off = Įskaityta
bills-approve = Patvirtinti sąskaitą faktūrą
bills-approve-chosen = Patvirtinti pažymėtas sąskaitas faktūras
bills-approve-more = Patvirtinę sakote, kad sąskaita faktūra atitinka suvestinę. Kas patvirtina, tas pats mokėjimo įrašyti nebegali.
bills-approve-title = Patvirtinti sąskaitas faktūras
bills-approve-warning = Mokėjimą turės įrašyti kitas pareigūnas savo raktu.
bills-reject = Grąžinti sąskaitą faktūrą teikėjui
bills-reject-more = Grąžinus sąskaitą faktūrą teikėjas galės pridėti kitą. Priežastį jis perskaitys savo puslapyje; apskaitoje ji nerašoma.
bills-reject-title = Grąžinti sąskaitas faktūras
bills-pay = Įrašyti mokėjimą
bills-pay-chosen = Įrašyti pažymėtų mokėjimus
bills-pay-title = Įrašyti mokėjimus
bills-pay-intro = Įrašykite, ką jau pervedė bankas. Mokėjimo numeris lieka šifruotas registre, į apskaitą patenka tik jo įsipareigojimas; kiekvienas numeris įrašomas vieną kartą.
bills-pay-amount = Sumokėta, €
bills-pay-reference = Mokėjimo numeris banke
bills-pay-all = Iš viso liko mokėti: { $sum }
bills-pay-warning = Įrašas nieko neperveda: pinigai jau turi būti išsiųsti per banką.
bills-payee = Gavėjas
bills-account = Gavėjo sąskaita banke
bills-account-elsewhere = patvirtinta apskaitoje, bet jos numerio registre nėra
bills-account-missing = Teikėjas neturi patvirtintos sąskaitos banke, todėl nei patvirtinti, nei mokėti dar negalima. Sąskaitą nustato dviejų institucijų sprendimas.
bills-account-missing-of = Teikėjas neturi patvirtintos sąskaitos banke, todėl sąskaitos faktūros patvirtinti negalima: { $statement }
bills-successor = Teikėjo teises perėmė kitas teikėjas; mokama į jo sąskaitą.
bills-own-approval = Šią sąskaitą faktūrą patvirtinote jūs, todėl mokėjimą turi įrašyti kitas pareigūnas.
bills-not-payer = Kurią nors suvestinę apmoka kita įstaiga: programos – biudžeto valdytojas, mokyklų – tvarkytojas.
bills-not-comparer = Su banko išrašu sutikrina ta įstaiga, kuri mokėjimo neįrašė.
bills-no-longer-open = Kuri nors suvestinė apmokėjimo nebelaukia.
bills-no-longer-invoice = Kuri nors suvestinė patvirtinimo nebelaukia.
bills-no-longer-paid = Kuri nors suvestinė sutikrinimo nelaukia.
bills-no-longer-payment = Šis mokėjimas jau pažymėtas grąžintu arba sutikrintas.
bills-no-longer-repaid = Šis grąžinimas jau sutikrintas.
bills-none-chosen = Nepažymėta nė viena suvestinė.
bills-too-many = Vienu kartu galima pažymėti iki 50 suvestinių.
bills-to-sign = Toliau – pasirašyti
bills-error-above = Tai daugiau, negu likę.
bills-error-mark = Numeris per ilgas arba jame yra netinkamų ženklų.
bills-error-twice = Tas pats mokėjimo numeris įrašytas du kartus.
bills-error-used = Toks mokėjimo numeris jau įrašytas prie kitos suvestinės.
bills-set-off-do = Įskaityti skolą
bills-set-off-title = Įskaityti teikėjo skolą
bills-set-off-more = Įskaityta suma sumažina ir likutį, kurį reikia sumokėti, ir teikėjo skolą tam pačiam mokėtojui. Per banką niekas nepervedama.
bills-set-off-amount = Įskaityti, €
bills-owed = Teikėjas skolingas
bills-owed-note = Teikėjas šiam mokėtojui skolingas { $sum }. Skolą galima įskaityti.
bills-nothing-owed = Teikėjas šiam mokėtojui nieko neskolingas.
bills-reconcile = Sutikrinti su banko išrašu
bills-reconcile-chosen = Sutikrinti pažymėtas su banko išrašu
bills-reconcile-title = Sutikrinti mokėjimus su banko išrašu
bills-reconcile-intro = Palyginkite kiekvieną mokėjimą su banko išrašu. Jei kurio nors išraše nėra arba suma kita, jo netikrinkite ir praneškite įstaigai, kuri jį įrašė.
bills-reconcile-caption = Mokėjimai, kuriuos turi rodyti banko išrašas
bills-reconcile-warning = Pasirašydami patvirtinate, kad mokėjimus radote banko išraše. Pakeisti to nebegalima.
bills-returned-mark = bankas grąžino: { $reference }
bills-bank = Banko išrašo numeris
bills-bank-hint = Numeris lieka šifruotas registre, į apskaitą patenka tik jo įsipareigojimas.
bills-compared-with = Sutikrinta su banko išrašu { $bank }.
bills-statement = Suvestinė
bills-do = Veiksmai
bills-next-answer = Laukia, kol teikėjas ją priims arba užginčys.
bills-next-invoice = Laukia teikėjo sąskaitos faktūros.
bills-next-approve = Laukia, kol sąskaitą faktūrą patvirtins tvarkytojo pareigūnas.
bills-next-pay-programme = Laukia biudžeto valdytojo mokėjimo.
bills-next-pay-school = Laukia tvarkytojo mokėjimo iš mokyklos lėšų.
bills-next-compare-programme = Laukia, kol mokėjimus su banko išrašu sutikrins tvarkytojas.
bills-next-compare-school = Laukia, kol mokėjimus su banko išrašu sutikrins biudžeto valdytojas.
bills-invoice-title = Sąskaita faktūra
bills-invoice-none = Sąskaita faktūra dar nepridėta.
bills-invoice-elsewhere = Sąskaita faktūra pridėta, bet jos numerio ir failo šiame registre nėra.
bills-file = Failas
bills-file-hash = Failo maiša (SHA-256)
bills-file-more = Pats failas čia nesaugomas: palyginkite gautojo maišą su šia.
bills-payments = Mokėjimai
bills-payments-none = Mokėjimų dar nėra.
bills-payments-caption = Mokėjimai ir įskaitymai
bills-at = Įrašyta
bills-way = Kaip
bills-by = Įrašė
bills-way-bank = per banką
bills-way-set-off = įskaityta skola
bills-way-returned = bankas grąžino
bills-reference = Mokėjimo numeris
bills-amount = Suma
bills-return = Bankas grąžino
bills-return-title = Įrašyti banko grąžintą mokėjimą
bills-return-warning = { $sum } vėl liks mokėti. Tas pats mokėjimo numeris nebebus priimtas.
bills-when = Kada
bills-service = Paslauga
bills-school = Mokykla
bills-attended = Dalyvavo
bills-absent = Nedalyvavo
bills-price = Kaina mokiniui
bills-vat = PVM
bills-vat-caption = Sumos pagal PVM
bills-vat-more = Sumos – su mokesčiu, atskaičius kreditines sąskaitas. PVM rodomas pagal dabartines paslaugos sąlygas; tarifą ir mokesčio sumą nurodo teikėjo sąskaita faktūra.
bills-vat-unknown = nežinomas
bills-due = Mokėtina
bills-history = Eiga
bills-did-issue = Suvestinė sudaryta
bills-did-accept = Teikėjas suvestinę priėmė
bills-did-attach = Teikėjas pridėjo sąskaitą faktūrą
bills-did-approve = Sąskaita faktūra patvirtinta
bills-did-pay = Sumokėta per banką: { $sum }
bills-did-set-off = Įskaityta skola: { $sum }
bills-did-return = Sumokėta, bet bankas grąžino: { $sum }
bills-did-credit = Kredituota arba grąžinta: { $sum }
bills-did-reconcile = Mokėjimai sutikrinti su banko išrašu
bills-csv-file = moketinos-sumos
bills-csv-payee = Gavėjas
bills-csv-code = Kodas
bills-csv-account = Sąskaita banke
bills-csv-amount = Suma
bills-csv-currency = Valiuta
bills-csv-invoice = Sąskaitos faktūros Nr.
bills-csv-buyer = Mokėtojas
bills-csv-issued = Suvestinės data
bills-csv-statement = Suvestinė
bills-debts-title = { $year } metų teikėjų skolos ir grąžinimai
bills-debts-intro = Skola atsiranda, kai jau apmokėta suma kredituojama arba dviejų institucijų sprendimu grąžinama. Teikėjas ją grąžina per banką arba ji įskaitoma apmokant kitą suvestinę.
bills-owed-none = Niekas nieko neskolingas.
bills-owed-caption = Skolos pagal teikėją ir gavėją
bills-to-whom = Kam
bills-repay = Įrašyti grąžintas lėšas
bills-repay-title = Įrašyti grąžintas lėšas
bills-repay-intro = Įrašykite, ką teikėjas jau pervedė per banką.
bills-repay-amount = Grąžinta, €
bills-repay-warning = Įrašas nieko neperveda: pinigai jau turi būti gauti per banką.
bills-repayments = Grąžinimai
bills-repayments-none = Grąžinimų nėra.
bills-repayments-caption = Ką teikėjai grąžino
bills-repaid = Sutikrinti su banko išrašu
bills-repaid-title = Sutikrinti grąžintas lėšas su banko išrašu
bills-repaid-intro = Palyginkite grąžinimą su banko išrašu.
bills-not-compared = dar nesutikrinta
bills-end-title = { $year } metų užbaigimas
bills-end-intro = Metai užantspauduojami, kai nieko nebelieka daryti: tada jų įrašai sudedami į vieną, o sumos lieka viešos.
bills-checks = Ko reikia prieš užantspauduojant
bills-check = Sąlyga
bills-left = Kas liko
bills-check-done = įvykdyta
bills-check-open = dar ne
bills-check-ended = Metai baigti
bills-check-orders = Visi užsakymai užbaigti
bills-check-free = Nepanaudotos lėšos grąžintos
bills-check-earned = Viskas, ką teikėjai uždirbo, įtraukta į suvestines
bills-check-statements = Visos suvestinės apmokėtos
bills-check-owed = Teikėjai nieko neskolingi
bills-check-compared = Visi mokėjimai ir grąžinimai sutikrinti su banko išrašu
bills-count-payments = { $category ->
    [one] { $n } nesutikrintas
    [few] { $n } nesutikrinti
   *[other] { $n } nesutikrintų
}
bills-end-work = Apskaita dar patikrina, ar neliko laukiančių terminų; jei liko, užantspaudavimo nepriima, kol jie praeina.
bills-seal-title = Užantspauduoti metus
bills-seal-more = Po to jokio tų metų įrašo nebebus galima nei keisti, nei skaityti čia; juos saugo archyvai. Atšaukti to negalima.
bills-seal-type = Patvirtindami įrašykite metus: { $year }
bills-seal-wrong = Įrašyti metai nesutampa.
bills-seal-button = Užantspauduoti metus
bills-seal-who = Viskas įvykdyta. Metus užantspauduoja biudžeto valdytojo pareigūnas.
bills-seal-not-yet = Užantspauduoti dar negalima.
bills-sealed-flash = { $year } metai užantspauduoti.
bills-sealed-title = { $year } metai užantspauduoti
bills-gone = Šių metų suvestinių čia nebėra: metai užantspauduoti.
bills-sealed-more = Liko vienas įrašas su metų sumomis ir visų įrašų maiša. Pačius įrašus saugo archyvai, o kiekvienas išsaugotas kvitas tebegalioja.
bills-sealed-caption = Galutinės metų sumos
bills-sealed-at = Užantspauduota
bills-sealed-records = Įrašų
bills-sealed-root = Įrašų maiša
bills-reject-why = Kas sąskaitoje netinka (perskaitys teikėjas)
