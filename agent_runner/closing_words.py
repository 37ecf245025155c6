"""The words that messages of thanks are made of, by language, without accents and capitals."""

from agent_runner.own_words import folded


def _set(words: str) -> frozenset[str]:
    return frozenset(folded(words).split())


# What thanks or takes leave; a first message that does nothing else is a closing too.
THANKS = {
    "en": _set("thanks thank thankyou thx thnx tnx ty tysm cheers bye goodbye"),
    "es": _set("gracias adiós"),
    "de": _set("danke dankeschön dank tschüss"),
    "fr": _set("merci mercii revoir"),
    "pt": _set("obrigado obrigada obg valeu tchau"),
    "it": _set("grazie arrivederci"),
    "nl": _set("bedankt dank dankjewel dankuwel"),
    "pl": _set("dziękuję dzięki dziękujemy"),
}
# What says that it is good now.
SOLVED = {
    "en": _set("solved resolved sorted fixed works worked working perfect great awesome brilliant excellent understood done nvm nevermind super top ok settled"),
    "es": _set("perfecto genial excelente estupendo listo solucionado resuelto arreglado funciona funcionó entendido"),
    "de": _set("perfekt super toll prima klasse wunderbar erledigt gelöst behoben funktioniert geklappt passt läuft verstanden"),
    "fr": _set("parfait super génial nickel impeccable réglé résolu marche fonctionne fonctionné marché compris"),
    "pt": _set("perfeito ótimo excelente maravilha beleza resolvido resolvida funcionou funciona entendi consegui"),
    "it": _set("perfetto ottimo benissimo risolto risolta funziona funzionato capito"),
    "nl": _set("perfect super top geweldig opgelost werkt gelukt duidelijk prima"),
    "pl": _set("super świetnie idealnie działa rozwiązane jasne rozumiem udało"),
}  # fmt: skip
# What stands around these.
AROUND = {
    "en": _set("""
        i i'm im i've ive we it it's its that that's thats this is was are am be been you your you're ur u the a an and so very
        much really all now again have has got found it them back my me us to for of with on as at by fine good ok okay k yes
        yep yeah ah oh right alright well did do trick job close closed matter case ticket request more help helped helpful
        support team quick quickly fast speedy prompt reply answer response explanation info information clear kind kindly
        appreciate appreciated lot lots million bunch perfectly amazing lovely wonderful super nice nicely cool happy day
        weekend evening week night rest enjoy later take care best regards guys everyone folks man mate legend star lifesaver
        can may consider please never mind forget everything else for finally finished up running just figured out will try
        great-day too such from both wishes kindest sincerely dear hi hello"""),
    "es": _set("""
        muchas mil muchísimas muy amable amables vale ok ya me ha sirvió funcionado todo bien está queda claro hasta luego pronto
        saludos un saludo buen buena día tarde noche fin de semana lo he encontrado encontré por la el su tu vuestra ayuda
        respuesta rápida rapidez pueden puede cerrar caso ticket eso era es fue así acuerdo perfectamente ahora sí y a ustedes
        usted hola"""),
    "de": _set("""
        vielen herzlichen besten lieben schön sehr alles klar gut ok okay hat jetzt nun wieder es das ist war bis bald dann
        schönen tag abend schönes wochenende noch einen ein ihnen dir euch für die schnelle hilfe antwort rückmeldung ich habe hab
        gefunden geht und auch gleichfalls so mir uns geholfen sie können kann den der fall ticket vorgang schliessen hallo viele
        grüsse ihr ihre deine mal ja"""),
    "fr": _set("""
        beaucoup bien mille infiniment grand un c'est bon ça maintenant ok d'accord entendu j'ai trouvé tout est à vous bonne
        journée soirée week end weekend pour votre l'aide la le aide réponse rapide rapidité au bientôt cordialement et a de oui
        pouvez clore fermer ticket dossier bonjour top encore"""),
    "pt": _set("""
        muito muitíssimo show ok tudo certo bem deu agora já está entendido até logo mais bom boa dia tarde noite fim de semana
        pela ajuda resposta rápida rapidez encontrei isso era só é o a e vocês você pode podem fechar chamado sim oi olá um
        abraço"""),
    "it": _set("""
        mille tante molte fantastico ok va bene tutto ora adesso ha ciao a presto buona giornata serata buon fine settimana weekend
        per il la lo vostro vostra aiuto l'aiuto risposta rapida veloce gentilissimi gentile ho trovato era questo è anche lei voi
        potete chiudere ticket caso e si sì salve cordiali saluti"""),
    "nl": _set("je u wel hartelijk heel erg veel mooi het nu weer is gevonden begrepen dag tot ziens fijne fijn weekend avond voor de snelle hulp reactie antwoord goed ok alles in orde hoor"),
    "pl": _set("bardzo serdecznie już wszystko miłego dnia weekendu wieczoru do widzenia pa za pomoc szybką odpowiedź ok dobrze się tak"),
}  # fmt: skip
