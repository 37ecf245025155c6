"""The fixed sentences customers get, by language. English is the language of the shipped knowledge base.

Every table has every language of LANGUAGES with the same placeholders (a test holds that).
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

LANGUAGES = ("en", "es", "de", "fr", "pt", "it", "nl", "pl")

# {hours} is a setting and stands as it was written, so it has a place where it fits in any language.
HAND_OVER = {
    "en": (
        "Thank you for your message. A person from our team will answer you. We are here {hours}. "
        "Your reference is {reference}."
    ),
    "es": (
        "Gracias por su mensaje. Una persona de nuestro equipo le responderá. Nuestro horario: {hours}. "
        "Su número de referencia es {reference}."
    ),
    "de": (
        "Vielen Dank für Ihre Nachricht. Eine Person aus unserem Team wird Ihnen antworten. "
        "Unsere Zeiten: {hours}. Ihre Vorgangsnummer lautet {reference}."
    ),
    "fr": (
        "Merci pour votre message. Une personne de notre équipe vous répondra. Nos horaires : {hours}. "
        "Votre référence est {reference}."
    ),
    "pt": (
        "Agradecemos a sua mensagem. Uma pessoa da nossa equipe responderá. Nosso horário: {hours}. "
        "Sua referência é {reference}."
    ),
    "it": (
        "Grazie per il Suo messaggio. Una persona del nostro team Le risponderà. I nostri orari: {hours}. "
        "Il Suo numero di riferimento è {reference}."
    ),
    "nl": (
        "Hartelijk dank voor uw bericht. Een medewerker van ons team zal u antwoorden. Onze tijden: {hours}. "
        "Uw referentie is {reference}."
    ),
    "pl": (
        "Dziękujemy za wiadomość. Odpowie na nią osoba z naszego zespołu. Godziny pracy: {hours}. "
        "Numer zgłoszenia: {reference}."
    ),
}
SUGGESTIONS = {
    "en": "Until then, these articles may help:",
    "es": "Mientras tanto, estos artículos pueden serle útiles:",
    "de": "Bis dahin helfen Ihnen vielleicht diese Artikel:",
    "fr": "En attendant, ces articles peuvent vous aider :",
    "pt": "Enquanto isso, estes artigos podem ajudar:",
    "it": "Nel frattempo, questi articoli possono esserLe utili:",
    "nl": "Tot die tijd helpen deze artikelen u misschien:",
    "pl": "Do tego czasu mogą pomóc te artykuły:",
}
SUGGESTED_BY_AI = {
    "en": "These were chosen by our AI assistant.",
    "es": "Los ha elegido nuestro asistente de IA.",
    "de": "Unser KI-Assistent hat sie ausgewählt.",
    "fr": "Ils ont été choisis par notre assistant IA.",
    "pt": "Eles foram escolhidos pelo nosso assistente de IA.",
    "it": "Li ha scelti il nostro assistente IA.",
    "nl": "Deze zijn gekozen door onze AI-assistent.",
    "pl": "Wybrał je nasz asystent AI.",
}

# The word in quotes is one that the rules know on a line of its own.
AI_DISCLOSURE = {
    "en": 'This answer was written by our AI assistant from our help articles. Reply "human" to reach a person.',
    "es": (
        "Esta respuesta la ha escrito nuestro asistente de IA a partir de nuestros artículos de ayuda. "
        'Responda "humano" para hablar con una persona.'
    ),
    "de": (
        "Diese Antwort hat unser KI-Assistent aus unseren Hilfeartikeln geschrieben. "
        'Antworten Sie "Mensch", um eine Person zu erreichen.'
    ),
    "fr": (
        "Cette réponse a été rédigée par notre assistant IA à partir de nos articles d'aide. "
        'Répondez "humain" pour joindre une personne.'
    ),
    "pt": (
        "Esta resposta foi escrita pelo nosso assistente de IA com base nos nossos artigos de ajuda. "
        'Responda "humano" para falar com uma pessoa.'
    ),
    "it": (
        "Questa risposta è stata scritta dal nostro assistente IA in base ai nostri articoli di aiuto. "
        'Risponda "umano" per parlare con una persona.'
    ),
    "nl": (
        "Dit antwoord is door onze AI-assistent geschreven op basis van onze helpartikelen. "
        'Antwoord "human" om een medewerker te bereiken.'
    ),
    "pl": (
        "Tę odpowiedź napisał nasz asystent AI na podstawie naszych artykułów pomocy. "
        'Aby skontaktować się z człowiekiem, proszę odpisać "human".'
    ),
}
AI_DISCLOSURE_SHORT = {
    "en": 'Written by our AI assistant. Reply "HUMAN" to reach a person.',
    "es": 'Escrito por nuestro asistente de IA. Responda "HUMANO" para hablar con una persona.',
    "de": 'Von unserem KI-Assistenten. Antworten Sie "MENSCH", um eine Person zu erreichen.',
    "fr": 'Rédigé par notre assistant IA. Répondez "HUMAIN" pour joindre une personne.',
    "pt": 'Escrito pelo nosso assistente de IA. Responda "HUMANO" para falar com uma pessoa.',
    "it": 'Scritto dal nostro assistente IA. Risponda "UMANO" per parlare con una persona.',
    "nl": 'Geschreven door onze AI-assistent. Antwoord "HUMAN" om een medewerker te bereiken.',
    "pl": 'Napisał to nasz asystent AI. Aby porozmawiać z człowiekiem, proszę odpisać "HUMAN".',
}
# Of a fixed text, which is taken from no article.
AI_AUTOMATIC = {
    "en": 'This is an automatic reply of our AI assistant. Reply "human" to reach a person.',
    "es": 'Esta es una respuesta automática de nuestro asistente de IA. Responda "humano" para hablar con una persona.',
    "de": (
        "Dies ist eine automatische Antwort unseres KI-Assistenten. "
        'Antworten Sie "Mensch", um eine Person zu erreichen.'
    ),
    "fr": 'Ceci est une réponse automatique de notre assistant IA. Répondez "humain" pour joindre une personne.',
    "pt": ('Esta é uma resposta automática do nosso assistente de IA. Responda "humano" para falar com uma pessoa.'),
    "it": ('Questa è una risposta automatica del nostro assistente IA. Risponda "umano" per parlare con una persona.'),
    "nl": 'Dit is een automatisch antwoord van onze AI-assistent. Antwoord "human" om een medewerker te bereiken.',
    "pl": (
        'To automatyczna odpowiedź naszego asystenta AI. Aby skontaktować się z człowiekiem, proszę odpisać "human".'
    ),
}

GREETING = {
    "en": "Hello,",
    "es": "Buenos días:",
    "de": "Guten Tag,",
    "fr": "Bonjour,",
    "pt": "Olá,",
    "it": "Buongiorno,",
    "nl": "Goedendag,",
    "pl": "Dzień dobry,",
}
GREETING_BY_NAME = {
    "en": "Hello {name},",
    "es": "Buenos días, {name}:",
    "de": "Guten Tag {name},",
    "fr": "Bonjour {name},",
    "pt": "Olá, {name},",
    "it": "Buongiorno {name},",
    "nl": "Goedendag {name},",
    "pl": "Dzień dobry, {name},",
}
GREETING_SHORT = {
    "en": "Hi {name}!",
    "es": "¡Hola, {name}!",
    "de": "Hallo {name}!",
    "fr": "Bonjour {name} !",
    "pt": "Olá, {name}!",
    "it": "Salve {name}!",
    "nl": "Hallo {name}!",
    "pl": "Dzień dobry, {name}!",
}
WRITES_AGAIN = {
    "en": "Thank you for writing again.",
    "es": "Gracias por volver a escribirnos.",
    "de": "Vielen Dank, dass Sie noch einmal schreiben.",
    "fr": "Merci de nous écrire à nouveau.",
    "pt": "Agradecemos por escrever novamente.",
    "it": "Grazie per averci scritto di nuovo.",
    "nl": "Dank u dat u ons opnieuw schrijft.",
    "pl": "Dziękujemy za kolejną wiadomość.",
}
IS_KNOWN = {
    "en": "Good to hear from you again.",
    "es": "Nos alegra volver a saber de usted.",
    "de": "Schön, wieder von Ihnen zu hören.",
    "fr": "Nous sommes heureux d'avoir à nouveau de vos nouvelles.",
    "pt": "É bom ter notícias suas novamente.",
    "it": "Siamo lieti di risentirLa.",
    "nl": "Fijn om weer van u te horen.",
    "pl": "Miło nam, że znów Państwo do nas piszą.",
}
SOURCES = {
    "en": "From our help articles:",
    "es": "De nuestros artículos de ayuda:",
    "de": "Aus unseren Hilfeartikeln:",
    "fr": "Extrait de nos articles d'aide :",
    "pt": "Dos nossos artigos de ajuda:",
    "it": "Dai nostri articoli di aiuto:",
    "nl": "Uit onze helpartikelen:",
    "pl": "Z naszych artykułów pomocy:",
}
SEE_ALSO = {
    "en": "See also:",
    "es": "Vea también:",
    "de": "Siehe auch:",
    "fr": "Voir aussi :",
    "pt": "Veja também:",
    "it": "Si veda anche:",
    "nl": "Zie ook:",
    "pl": "Zobacz też:",
}
SEE_ALSO_SHORT = {language: f"{words} {{links}}" for language, words in SEE_ALSO.items()}
SOURCES_SHORT = {
    "en": "More: {links}",
    "es": "Más información: {links}",
    "de": "Mehr dazu: {links}",
    "fr": "En savoir plus : {links}",
    "pt": "Saiba mais: {links}",
    "it": "Per saperne di più: {links}",
    "nl": "Meer informatie: {links}",
    "pl": "Więcej informacji: {links}",
}
REFERENCE = {
    "en": "Your reference is {reference}.",
    "es": "Su número de referencia es {reference}.",
    "de": "Ihre Vorgangsnummer lautet {reference}.",
    "fr": "Votre référence est {reference}.",
    "pt": "Sua referência é {reference}.",
    "it": "Il Suo numero di riferimento è {reference}.",
    "nl": "Uw referentie is {reference}.",
    "pl": "Numer zgłoszenia: {reference}.",
}
SIGNATURE = {
    "en": "{company} Support",
    "es": "El equipo de soporte de {company}",
    "de": "Ihr Support von {company}",
    "fr": "Le support de {company}",
    "pt": "O suporte da {company}",
    "it": "Il supporto di {company}",
    "nl": "De klantenservice van {company}",
    "pl": "Zespół wsparcia {company}",
}

WHICH = {
    "en": "We have an answer, and the steps depend on one thing. Which of these is yours: {choices}?",
    "es": "Tenemos una respuesta, pero los pasos dependen de un detalle. ¿Cuál es su caso: {choices}?",
    "de": "Wir haben eine Antwort, die Schritte hängen aber von einem Punkt ab. Was trifft auf Sie zu: {choices}?",
    "fr": "Nous avons une réponse, mais les étapes dépendent d'un point. Quel est votre cas : {choices} ?",
    "pt": "Temos uma resposta, mas os passos dependem de um detalhe. Qual é o seu caso: {choices}?",
    "it": "Abbiamo una risposta, ma i passaggi dipendono da un dettaglio. Qual è il Suo caso: {choices}?",
    "nl": "Wij hebben een antwoord, maar de stappen hangen van één ding af. Wat geldt voor u: {choices}?",
    "pl": "Mamy odpowiedź, ale kroki zależą od jednej rzeczy. Co dotyczy Państwa: {choices}?",
}
QUESTION = {
    "en": (
        "We would like to help, but need to know a little more. Could you tell us what you want to do, "
        "what happens instead, and the exact words of any error message?"
    ),
    "es": (
        "Nos gustaría ayudarle, pero necesitamos saber un poco más. ¿Podría decirnos qué desea hacer, "
        "qué ocurre en su lugar y el texto exacto del mensaje de error, si lo hay?"
    ),
    "de": (
        "Wir möchten Ihnen gern helfen, brauchen dafür aber etwas mehr Angaben. Was möchten Sie tun, "
        "was geschieht stattdessen, und wie lautet gegebenenfalls die genaue Fehlermeldung?"
    ),
    "fr": (
        "Nous aimerions vous aider, mais il nous faut quelques précisions. Pourriez-vous nous dire ce que vous "
        "souhaitez faire, ce qui se passe à la place et le texte exact du message d'erreur, s'il y en a un ?"
    ),
    "pt": (
        "Gostaríamos de ajudar, mas precisamos saber um pouco mais. O que você deseja fazer, o que acontece "
        "em vez disso e qual é o texto exato da mensagem de erro, se houver?"
    ),
    "it": (
        "Vorremmo aiutarLa, ma ci serve qualche informazione in più. Potrebbe dirci che cosa desidera fare, "
        "che cosa succede invece e il testo esatto dell'eventuale messaggio di errore?"
    ),
    "nl": (
        "Wij helpen u graag, maar hebben iets meer informatie nodig. Kunt u ons vertellen wat u wilt doen, "
        "wat er in plaats daarvan gebeurt en hoe een eventuele foutmelding precies luidt?"
    ),
    "pl": (
        "Chętnie pomożemy, ale potrzebujemy trochę więcej informacji. Prosimy napisać, co chcą Państwo zrobić, "
        "co dzieje się zamiast tego i jak dokładnie brzmi komunikat o błędzie, jeśli się pojawia."
    ),
}
CLOSING = {
    "en": "You are welcome! If anything else comes up, just write to us here.",
    "es": "¡Con mucho gusto! Si surge algo más, escríbanos aquí mismo.",
    "de": "Sehr gern! Wenn noch etwas ist, schreiben Sie uns einfach hier.",
    "fr": "Avec plaisir ! Si vous avez besoin d'autre chose, écrivez-nous ici.",
    "pt": "Por nada! Se precisar de mais alguma coisa, é só escrever aqui.",
    "it": "Prego! Se Le serve altro, ci scriva pure qui.",
    "nl": "Graag gedaan! Als er nog iets is, schrijf ons dan gewoon hier.",
    "pl": "Cała przyjemność po naszej stronie! W razie dalszych pytań prosimy pisać tutaj.",
}


def phrase(table: dict[str, str], language: str, **values: str) -> str:
    """The sentence in `language` ("pt-BR" is "pt"), in English when we have no translation."""
    return table.get(language[:2].lower(), table["en"]).format(**values)


def hand_over_text(reference: str, language: str = "", suggestions: Sequence[dict[str, Any]] = ()) -> str:
    """A person will answer, when, and under which reference; with the articles that may help until then.

    A suggestion has `title`, `url` and optionally `line` (one sentence of what it says).
    """
    parts = [phrase(HAND_OVER, language, hours=settings.SUPPORT_HOURS, reference=reference)]
    if suggestions:
        parts.append(phrase(SUGGESTIONS, language))
        parts.append("\n".join(_suggestion(s) for s in suggestions))
        parts.append(phrase(SUGGESTED_BY_AI, language))
    return "\n\n".join(parts)


def _suggestion(s: dict[str, Any]) -> str:
    line = f": {s['line']}" if s.get("line") else ""
    return f"- [{s['title']}]({s['url']}){line}"
