"""The words that name no matter: greetings, cries for help, and what sentences are held together by."""

# Words that name no matter. Particles that make one (log *in*, turn *off*) and the words that ask for a place, a time
# or a way to do something certain are not here.
_WORDS = """
hi hello hey hiya heya hallo dear sir madam sirs team support good morning afternoon evening day greetings there everyone
guys folks anyone anybody someone somebody
please pls plz thanks thank thx ty sorry excuse advance many much so ok okay yes no yeah yep nope hm hmm oh ah well
i im i'm ive i've id i'd me my we we're we've our us you your u ur it its it's this that that's these those he she they
a an the is isn't isnt are aren't was wasn't were be been am and or but if just very really quite still again also too
to of for at with from about as by than then not all any some something anything everything nothing thing things stuff
have has had got get gets getting need needs needed want wants would could can can't cant cannot will won't wont do does
did don't dont doesn't doesnt didn't didnt done doing make let us help helps helped helping assist assistance asap urgent
urgently quick quickly soon immediately
question questions q problem problems issue issues trouble difficulty error errors bug bugs wrong broken fix work works
working worked stopped fail fails failed failing happens happen happened happening goes going went strange weird
why what what's whats how know idea ask asking wonder wondering understand say says shows show gives
see look please attached attachment attachments screenshot screenshots picture image photo file below above here
app application program software tool system product website site page account settings service
now today yesterday since always anymore more time times first second third ago moment right wait
test testing tests tested try tried trying checked sent early subject text message none empty re fw fwd aw wg tr
hola buenos buenas ayuda ayúdenme por favor no funciona tengo un una problema pregunta consulta urgente necesito
guten hilfe bitte ich habe ein problem eine frage es geht funktioniert nicht dringend brauche
bonjour bonsoir salut aide aidez moi j'ai un une problème question ça ne marche pas fonctionne urgent svp
olá oi ajuda preciso de tenho um uma dúvida não funciona urgente
ciao salve buongiorno aiuto ho bisogno di un una problema domanda non funziona urgente
"""
SAYING_NOTHING = frozenset(_WORDS.split())
