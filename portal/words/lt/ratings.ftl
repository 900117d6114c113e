rating-title = Įvertinti vizitą
rating-intro = Pasakykite, koks buvo vizitas. Paslaugos puslapyje visiems rodomos tik ne mažiau kaip penkių vertinimų sumos.
rating-how-good = Kaip vertinate?
rating-score = { $score } – { $word }
rating-score-5 = puikiai
rating-score-4 = gerai
rating-score-3 = vidutiniškai
rating-score-2 = prastai
rating-score-1 = labai prastai
rating-facts = Kas buvo taip, kaip turėjo būti?
rating-facts-hint = Pažymėkite viską, kas tiesa.
rating-fact-took-place = užsiėmimas įvyko
rating-fact-on-time = prasidėjo ir baigėsi laiku
rating-fact-as-described = atitiko aprašymą
rating-fact-suited-to-age = tiko mokinių amžiui
rating-fact-accessible = galėjo dalyvauti visi
rating-once = Mokykla užsakymą vertina vieną kartą. Vertinimo nebegalima nei pakeisti, nei atsiimti.
rating-button = Toliau: pasirašyti
rating-no-score = Pasirinkite įvertinimą nuo 1 iki 5.
rating-not-now = Šio užsakymo dabar vertinti negalima: jis jau įvertintas arba dar neįvyko.
rating-heading = Ką sako apsilankiusieji
rating-by-schools = Mokyklos
rating-by-pupils = Mokiniai
rating-average = Vidutinis įvertinimas: { $average } iš 5
rating-count = { $category ->
    [one] { $n } vertinimas
    [few] { $n } vertinimai
   *[other] { $n } vertinimų
}
rating-of-all = { $said } iš { $all }
rating-caption = Kiek vertinusiųjų taip sako
rating-said = Taip sako
