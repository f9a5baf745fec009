"""Texts of the demo website, by language: (designation, short name, menu title, page title, description, picture, in the footer, HTML)."""

from __future__ import annotations

Row = tuple[str, str, str, str, str, str, bool, str]

PAGES: dict[str, list[Row]] = {
    "en": [
        ("Home", "home", "Start", "Press. Talk. Everyone hears you.", "Radio for your team over the mobile network: across the whole country, on rugged devices or the phone you have.", "radio", False,
         '<p><a class="button" href="/en/register">Register your company</a></p><h2>Made for work</h2><div class="columns-3"><div class="card"><h3>Closed groups</h3><p>Your team and nobody else. With partners you form an '
         'association and still get your own bill.</p></div><div class="card"><h3>Position</h3><p>See on the map where your vehicles are, when your tariff includes GPS.</p></div><div class="card"><h3>SOS</h3><p>One key raises '
         'the alarm for the whole group, with the position.</p></div></div>'),
        ("Push-to-talk", "push-to-talk", "How it works", "How push-to-talk works", "One key, one group, no dialling: how your team speaks over the mobile network.", "net", False,
         '<p class="lead">You press a key and speak. Everybody in the group hears you in less than a second, wherever they are.</p><h2>What you need</h2><ul><li>a radio with a SIM card, or a phone with our app</li><li>a license '
         'for each device</li><li>nothing else: no masts, no frequencies, no maintenance</li></ul><p class="note">Devices you already have can often stay. Ask us.</p><p><a href="/en/prices">See the prices</a></p>'),
        ("Prices", "prices", "Prices", "Prices", "What a device costs per month, with groups, position and alarm.", "", False,
         '<div class="columns-3"><div class="card"><h3>Basic</h3><p><strong>€4.90</strong> per device and month</p><p>Groups and single calls.</p></div><div class="card"><h3>Fleet</h3><p><strong>€7.25</strong> per device and month</p>'
         '<p>With GPS tracking and history.</p></div><div class="card"><h3>Safety</h3><p><strong>€9.90</strong> per device and month</p><p>With SOS and lone-worker alarm.</p></div></div><p>Net, plus VAT. From 15 devices the price '
         'falls.</p><p><a class="button" href="/en/contact">Ask for a call</a></p>'),
        ("Legal notice", "legal-notice", "Legal notice", "Legal notice", "", "", True,
         '<p>Nordfunk PTT GmbH<br>Am Sandtorkai 1, 20457 Hamburg, Germany</p><p>Phone +49 40 5550100<br>E-mail <a href="mailto:office@nordfunk.example">office@nordfunk.example</a></p><p>This is a provider that does not exist: the page '
         'shows where yours goes.</p>'),
        ("Privacy", "privacy", "Privacy", "Privacy", "", "", True,
         '<p class="lead">Reading this website sets no cookie and calls no other host.</p><h2>When you write to us</h2><p>We keep what you enter in a form to answer you. A cookie lasts until you close the browser and only protects the form.</p>'
         '<p>This is sample text: replace it by your own before visitors come.</p>'),
    ],
    "de": [
        ("Home", "home", "Start", "Drücken. Sprechen. Alle hören mit.", "Funk für Ihr Team über das Mobilfunknetz: im ganzen Land, auf robusten Geräten oder dem Telefon, das Sie schon haben.", "radio", False,
         '<p><a class="button" href="/de/register">Firma registrieren</a></p><h2>Für die Arbeit gemacht</h2><div class="columns-3"><div class="card"><h3>Geschlossene Gruppen</h3><p>Ihr Team und sonst niemand. Mit Partnern bilden Sie einen '
         'Verbund und bekommen doch Ihre eigene Rechnung.</p></div><div class="card"><h3>Position</h3><p>Sehen Sie auf der Karte, wo Ihre Fahrzeuge sind, wenn Ihr Tarif GPS enthält.</p></div><div class="card"><h3>SOS</h3><p>Eine Taste löst '
         'den Alarm für die ganze Gruppe aus, mit der Position.</p></div></div>'),
        ("Push-to-talk", "sprechfunk", "So geht es", "So funktioniert Push-to-Talk", "Eine Taste, eine Gruppe, kein Wählen: wie Ihr Team über das Mobilfunknetz spricht.", "net", False,
         '<p class="lead">Sie drücken eine Taste und sprechen. Alle in der Gruppe hören Sie in weniger als einer Sekunde, wo immer sie sind.</p><h2>Was Sie brauchen</h2><ul><li>ein Funkgerät mit SIM-Karte oder ein Telefon mit unserer App</li>'
         '<li>eine Lizenz für jedes Gerät</li><li>sonst nichts: keine Masten, keine Frequenzen, keine Wartung</li></ul><p class="note">Vorhandene Geräte können oft bleiben. Fragen Sie uns.</p><p><a href="/de/preise">Zu den Preisen</a></p>'),
        ("Prices", "preise", "Preise", "Preise", "Was ein Gerät im Monat kostet, mit Gruppen, Position und Alarm.", "", False,
         '<div class="columns-3"><div class="card"><h3>Basis</h3><p><strong>4,90 €</strong> je Gerät und Monat</p><p>Gruppen- und Einzelrufe.</p></div><div class="card"><h3>Flotte</h3><p><strong>7,25 €</strong> je Gerät und Monat</p><p>Mit '
         'GPS-Ortung und Verlauf.</p></div><div class="card"><h3>Sicherheit</h3><p><strong>9,90 €</strong> je Gerät und Monat</p><p>Mit SOS und Alleinarbeiter-Alarm.</p></div></div><p>Netto, zuzüglich Umsatzsteuer. Ab 15 Geräten sinkt der '
         'Preis.</p><p><a class="button" href="/de/contact">Rückruf wünschen</a></p>'),
        ("Legal notice", "impressum", "Impressum", "Impressum", "", "", True,
         '<p>Nordfunk PTT GmbH<br>Am Sandtorkai 1, 20457 Hamburg</p><p>Telefon +49 40 5550100<br>E-Mail <a href="mailto:office@nordfunk.example">office@nordfunk.example</a></p><p>Diesen Anbieter gibt es nicht: Die Seite zeigt, wohin Ihr '
         'Impressum gehört.</p>'),
        ("Privacy", "datenschutz", "Datenschutz", "Datenschutz", "", "", True,
         '<p class="lead">Wer diese Seiten liest, bekommt kein Cookie und ruft keinen anderen Rechner.</p><h2>Wenn Sie uns schreiben</h2><p>Was Sie in ein Formular eintragen, bewahren wir auf, um Ihnen zu antworten. Ein Cookie bis zum Ende des '
         'Browsers schützt nur das Formular.</p><p>Das ist ein Mustertext: Ersetzen Sie ihn, bevor Besucher kommen.</p>'),
    ],
    "pt_BR": [
        ("Home", "home", "Início", "Aperte. Fale. Todos ouvem.", "Rádio para a sua equipe pela rede celular: em todo o país, em aparelhos robustos ou no telefone que você já tem.", "radio", False,
         '<p><a class="button" href="/pt-br/register">Cadastrar a empresa</a></p><h2>Feito para o trabalho</h2><div class="columns-3"><div class="card"><h3>Grupos fechados</h3><p>A sua equipe e mais ninguém. Com parceiros você forma uma '
         'associação e recebe a sua própria fatura.</p></div><div class="card"><h3>Posição</h3><p>Veja no mapa onde estão os seus veículos, quando o plano inclui GPS.</p></div><div class="card"><h3>SOS</h3><p>Uma tecla dá o alarme a todo o '
         'grupo, com a posição.</p></div></div>'),
        ("Push-to-talk", "como-funciona", "Como funciona", "Como funciona o push-to-talk", "Uma tecla, um grupo, sem discar: como a sua equipe fala pela rede celular.", "net", False,
         '<p class="lead">Você aperta uma tecla e fala. Todos no grupo ouvem em menos de um segundo, onde quer que estejam.</p><h2>O que é preciso</h2><ul><li>um rádio com chip, ou um telefone com o nosso aplicativo</li><li>uma licença por '
         'aparelho</li><li>nada mais: sem torres, sem frequências, sem manutenção</li></ul><p class="note">Muitas vezes os aparelhos que você já tem podem ficar. Pergunte.</p><p><a href="/pt-br/precos">Ver os preços</a></p>'),
        ("Prices", "precos", "Preços", "Preços", "Quanto custa um aparelho por mês, com grupos, posição e alarme.", "", False,
         '<div class="columns-2"><div class="card"><h3>Brasil</h3><p><strong>R$ 24,90</strong> por aparelho e mês</p><p>Grupos e chamadas individuais.</p></div><div class="card"><h3>Frota</h3><p>Com rastreamento por GPS e histórico: peça uma '
         'proposta.</p></div></div><p><a class="button" href="/pt-br/contact">Pedir uma ligação</a></p>'),
        ("Legal notice", "aviso-legal", "Aviso legal", "Aviso legal", "", "", True,
         '<p>Nordfunk PTT GmbH<br>Am Sandtorkai 1, 20457 Hamburgo, Alemanha</p><p>Telefone +49 40 5550100<br>E-mail <a href="mailto:office@nordfunk.example">office@nordfunk.example</a></p><p>Este provedor não existe: a página mostra onde fica '
         'a sua.</p>'),
        ("Privacy", "privacidade", "Privacidade", "Privacidade", "", "", True,
         '<p class="lead">Ler este site não grava cookies nem chama outro servidor.</p><h2>Quando você nos escreve</h2><p>Guardamos o que você informa num formulário para responder. Um cookie, até fechar o navegador, apenas protege o formulário.</p>'
         '<p>Este é um texto de exemplo: troque pelo seu antes de receber visitantes.</p>'),
    ],
}
ALT = {"radio": "A hand-held radio that sends waves", "net": "Places that are joined to a net"}
