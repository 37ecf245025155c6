"""The English words of the fixed rules. What each must not catch stands in the tests."""

from tickets.reasons import Reason

_PERSON = (
    r"(?:(?:an?|the|some|your|any|one of your|another|your other) )?"
    r"(?:(?:real|actual|live|human|normal|support|customer (?:service|care|support)|service|damn|bloody|fucking) )*"
)
_SOMEONE = (
    r"(?:humans?(?: beings?)?|persons?|representatives?|rep|agents?|operators?|assistants?|executives?|managers?|supervisors?"
    r"|receptionist|member of (?:your|the) (?:staff|team)"
    r"|(?:somebody|someone)(?! (?:else )?(?:in|on|at|from|outside|who|that|to|i|we)\b)"
    r"|people(?! (?:in|on|at|from|outside|who|that)\b))"
)
_REACH = (
    r"(?:(?:speak|talk|chat|contact|reach)(?:t?ing)?(?: directly)?|(?:connect|transfer|direct|put|pass|get|give|hand|refer)(?:ing)? me(?: through| over)?)"
    r"(?: (?:to|with))?"
)
# Things in the product that may be called like a rule's word: "the refund column", "a price label".
_IN_A_BOARD = (
    r"(?! (?:columns?|fields?|labels?|boards?|cards?|tags?|tasks?|projects?|templates?|reports?|pages?|articles?))"
)
_ANGRY = r"(?:disappointed|angry|upset|unhappy|dissatisfied|frustrated|fed up|furious)"

_MANY = r"(?:two|three|four|five|six|seven|ten|several|many|multiple|countless|so many|a dozen|\d+)"
_ANSWERS = (
    r"(?:answers|replies|responses|e-?mails|mails|messages|tickets|requests|suggestions|chats|conversations)"
)
_TOLD = r"(?:writ|wrot|ask|contact|report|tell|told|explain|rais|mail|e-?mail|messag|complain|request|com(?:e|ing) back|open|open(?:ing)? a ticket)\w*"

ENGLISH: dict[Reason, tuple[str, ...]] = {
    Reason.POLICY: (
        r"(?:kill|killing) my ?self",
        r"(?:take|taking) my own life",
        r"(?:don't|do not) want to (?:live|be alive)(?: any ?more)?",
        r"self[- ]harm(?:ing)?",
        r"(?:kill|hurt|harm)(?:ing)? myself",
        r"suicid(?:e|al)",
        r"end(?:ing)? my (?:own )?life",
        r"want to die",
    ),
    Reason.LEGAL: (
        r"(?:subject access|erasure) request",
        r"(?:under|according to|pursuant to|per|in line with|my rights under|invoke|violat(?:es?|ing|ion of)) (?:art(?:icle|\.)? ?\d+ (?:of )?)?(?:the )?(?:eu )?(?:gdpr|ccpa)",
        r"(?:what|which) (?:personal )?(?:data|information) (?:do you|does your company|does tidewater|you) (?:store|hold|have|keep|process|collect) (?:about|on|of) (?:me|us)",
        r"(?:copy|deletion|erasure|removal) of (?:all )?(?:of )?(?:my|our|the) (?:own )?personal (?:data|information)",
        r"(?<!how do i )(?<!how can i )(?<!how to )(?:delete|erase|remove|send me|give me|hand over) (?:all )?(?:of )?(?:my|our) personal (?:data|information)",
        r"(?:withdraw|revoke) my consent",
        r"object to the processing",
        r"(?:hold|held) (?:you|your company|tidewater) (?:liable|legally responsible|accountable)",
        r"(?:claim|seek|demand|sue for) damages",
        r"(?:small claims|see you in|go to|in front of a) court",
        r"cease and desist",
        r"(?:copyright|trademark|patent) (?:infringement|violation)|dmca",
        r"subpoena",
        r"(?:report|reporting|complain|complaint)(?: you| this)?(?: about you)? to (?:the )?(?:data protection|privacy|consumer|supervisory) ",
        rf"(?:lawyers?|solicitors?){_IN_A_BOARD}",
        r"attorneys?(?! general'?s? office)",
        r"(?:my|our) legal (?:team|department|counsel|advis[eo]rs?) (?:will|would|says?|said|has|have|advises?|advised|wants?)",
        r"(?:i|we)(?:'ll| will| would| am going to|'m going to| are going to| shall| may| might| could| can| have to)? sue",
        r"(?:to|will|gonna) sue (?:you|your company|them|tidewater)",
        r"suing",
        r"lawsuits?",
        r"legal (?:action|steps|proceedings|claims?|measures|consequences)",
        r"(?:this is a|a formal|a final) legal notice",
        r"(?:take|taking|see) (?:you|this|them) (?:to|in) court",
        r"(?:in )?breach of (?:contract|the agreement)",
        r"gdpr (?:request|complaint|erasure)",
        r"(?<!how do i )(?<!how can i )(?<!how to )(?:delete|erase|remove|send me|hand over) all (?:of )?(?:my|our) (?:personal )?data",
        r"right to (?:be forgotten|erasure)",
        r"(?:complain to|report you to) the (?:data protection|consumer|ombudsman|regulator)",
        r"data (?:subject|protection) (?:access )?(?:request|authority|officer)",
    ),
    Reason.SECURITY: (
        r"(?:api )?(?:tokens?|keys?|passwords?|credentials) (?:was|were|has been|have been|got|is|are) (?:leaked|stolen|exposed|compromised|published)",
        r"(?:stole|leaked|is using|has stolen) (?:my|our) (?:password|api token|token|api key|credentials|account)",
        r"(?:found|report|reporting|discovered|disclose) (?:an? |this )?(?:critical |serious )?(?:security )?(?:vulnerability|security (?:hole|flaw|issue|bug|problem))",
        r"(?:see|sees|seeing|shows?|shown|access to|access) (?:me |us )?(?:the )?(?:data|projects|files|tasks|boards|invoices) (?:of|from) (?:another|other|a different|some other) (?:customers?|compan(?:y|ies)|workspaces?)",
        r"(?:another|other|a different) (?:customer|company|workspace)'s (?:data|projects|files|tasks|boards|invoices)",
        r"(?:i|we) (?:do not|don't|did not|didn't) recogni[sz]e (?:this|that|the|these|a|some) (?:log-?in|sign-?in|session|device)s?",
        r"(?:log-?ins?|sign-?ins?|sessions?|devices?)(?: that| which)? (?:(?:is|was|are|were) not (?:me|mine|ours|us)|(?:i|we) (?:do not|don't) recogni[sz]e)",
        r"(?:someone|somebody)(?: else)? (?:is using|uses|used|changed|has changed|took over|has taken over) (?:my|our) (?:account|password)",
        r"(?:my|our|the) (?:account|workspace) (?:may |might |must |seems to )?(?:was|is|has been|have been|got|been|were|be) (?:hacked|compromised|stolen|taken over|breached)",
        r"hacked (?:into )?(?:my|our) (?:account|workspace)",
        r"(?:i|we)(?:'ve| have)? (?:been|got|was|were) hacked",
        r"(?:someone|somebody)(?: else)?(?: has)? (?:logged|signed|broke|broken|got|gotten) (?:in ?to|into) (?:my|our) (?:account|workspace)",
        r"(?:someone|somebody) (?:else )?(?:has|gained|got) access to (?:my|our) (?:account|workspace)",
        r"(?:data|security) (?:breach|leak|incident)",
        r"(?<!prevent )(?<!against )(?<!avoid )(?<!stop )(?<!block )unauthori[sz]ed (?:access|log-?ins?|charges?|payments?)",
    ),
    Reason.REFUND_REQUEST: (
        rf"refunds?{_IN_A_BOARD}",
        r"refunded",
        r"refunding",
        r"reimburse(?:d|ment)?",
        r"(?:my|our|the) money back",
        r"charge ?backs?",
        r"(?:charged|billed) (?:me |us )?(?:twice|double|again)",
        r"double[- ](?:charged|billed)",
    ),
    Reason.PRICING_INQUIRY: (
        r"(?:send|get|give|want|need|needs|have|request|like|make)(?: me| us| you)? (?:a|your best) (?:quote|quotation)",
        r"quotation for",
        # "Does the invoice show the price" is about the product, "what is the price" is about us.
        rf"(?<!shows the )(?<!show the )(?<!hide the )(?<!sort by )pric(?:e|es|ing|ey){_IN_A_BOARD}",
        rf"discounts?{_IN_A_BOARD}",
        r"how much (?:does|do|is|are|would|will|for)(?! (?:space|time|data|memory|storage))[^.?!]{0,60}(?:cost|pay|plans?|licen[cs]es?|seats?|subscription|per month|a month|per year|a year|per user)",
        r"how much(?=[ ?!.]*(?:\n|$))",
        r"(?:costs?|pay) (?:per|a|each) (?:month|user|seat|year)",
        r"(?:monthly|yearly|annual|hidden|extra) (?:fees?|costs?|charges?)",
        r"(?:cheaper|cheapest|less expensive) (?:plan|option|subscription|tier|version)",
        r"too expensive",
        r"how expensive",
        r"what (?:does|do|would|will) (?:it|this|that|the \w+ plan|(?:more|extra|additional) (?:seats?|users?)) cost",
        r"(?:send|get|give|want|need|have|request) (?:me |us )?a quote",
    ),
    Reason.ABUSE: (
        r"(?:mother)?fuck\w*",
        r"wtf",
        r"(?:bull)?shit(?:ty)?",
        r"assholes?",
        r"arseholes?",
        r"bastards?",
        r"(?:you|you're|u|ur)(?: all)?(?: are)?(?: all)?(?: such)?(?: just)?(?: a(?:n)?)?(?: bunch of)? (?:stupid|idiots?|morons?|useless|incompetent|scammers?|liars?|thieves|crooks|pathetic)",
        r"(?:bunch|pack) of (?:idiots|morons|scammers|liars|thieves|crooks|clowns)",
        r"stupid (?:idiots?|company|people|bot|support)",
        r"piece of (?:shit|crap|garbage|junk)",
        r"(?:i will|i'll|i am going to|i'm going to) (?:find|hurt|kill) (?:you|someone|somebody)",
        r"(?:go to|burn in) hell",
    ),
    Reason.CUSTOMER_REQUEST: (
        r"(?:speak|talk|chat|connect me|transfer me|put me through|pass me|forward me|direct me)(?:ing)?(?: directly)? (?:to|with|on to) (?:the|your|a|an|my)? ?(?:(?:billing|sales|support|customer|technical|accounts?|service|human) )*(?:boss|department|reception|front desk|support|sales|management|team lead|expert|specialist|technician|staff|employee|team)(?! (?:in|of|channel|project|board|who|that|members?)\b)",
        r"(?:have|arrange|schedule|book|get) a (?:phone )?call (?:with (?:your|the|a|an|someone|somebody)|back)",
        r"(?:want|need|help|trying|like)[^.?!\n]{0,25} (?:live|human|real) (?:agent|person|human being)",
        r"(?:not|n't)[^.?!\n]{0,60} (?:with|to) an? (?:machine|(?:chat)?bot|robot|computer)(?! (?:user|account|in|that))",
        r"(?:wasting|waste) (?:my )?time with a (?:machine|(?:ro|chat)?bot)",
        r"transfer to me an? (?:live |human |real )?(?:agent|person|human)",
        r"(?:direct|connect) to me (?:to )?an? (?:live |human |real )?(?:agent|operator|assistant|person|human)",
        r"(?:ring|phone) me(?= (?:on|at|back|up|today|tomorrow|please|under|asap|before|after)\b|[.!])",
        rf"{_REACH} {_PERSON}{_SOMEONE}",
        rf"(?:want|need|like|prefer|get|is there|are there)(?: to (?:speak|talk|chat)(?: to| with)?)? {_PERSON}(?:human(?: being)?|real person|representative|(?:live|human|support) agent|operator|manager)",
        r"need an agent",
        r"(?:get|put) (?:me )?(?:your|a|the) (?:manager|supervisor) on the (?:line|phone)",
        r"get someone(?: else)? on the (?:line|phone)",
        r"(?:is|are) (?:there|you) (?:an?|any) (?:real |actual )?(?:human|person)s?",
        r"(?:am i|i am|i'm) (?:talking|speaking|writing) (?:to|with) a (?:ro)?bot",
        r"(?:don't|do not) want (?:to (?:talk|speak|chat) (?:to|with) )?(?:you|an?|the|this|your)? ?(?:(?:ro)?bot|machine|ai|you)",
        r"(?:no|stop the) (?:more )?(?:ro)?bots?(?=(?: please)?[ .!,]*(?:\n|$)|[.!,])",
        r"(?:speak|talk|rather have) [^.?!]{0,40}not (?:to |with )?a (?:ro)?bot",
        r"call me back",
        r"(?:please|can you|could you|someone|somebody) call me(?! by)",
        r"call me (?:asap|today|tomorrow|now|on my|under|at \+?\d)",
    ),
    Reason.ACCOUNT_ACTION: (
        r"(?:please |pls |plz |can you |could you |would you |will you |i want you to |i need you to |kindly )(?:transfer|change|hand over|assign) (?:me )?(?:the |our |my )?(?:workspace )?owner(?:ship)?",
        r"(?:please |pls |plz |can you |could you |would you |will you |i need you to |kindly )(?:reset|remove|disable|turn off|switch off) (?:my|our|the) (?:two-step verification|2fa|authenticator|two-factor authentication)(?! (?:app|in))",
        r"(?:close|delete|terminate|cancel) (?:my|our) (?:account|workspace|subscription|membership)(?=,? (?:please|immediately|now|right away|asap|as of|effective)\b)",
        r"(?:i|we) (?:want|would like|need) (?:my|our) (?:account|workspace|subscription) (?:to be )?(?:closed|deleted|cancelled|canceled|terminated|merged|unlocked)",
        r"(?:please |can you |could you )(?:merge|unite) (?:my|our|these|the|both) (?:two )?(?:accounts|workspaces)",
        r"(?:please |pls |plz |can you |could you |would you |i want you to |i need you to )(?:cancel|delete|close|suspend|reactivate|unlock|merge|upgrade|downgrade|terminate|deactivate) (?:my|our) (?:account|workspace|subscription|plan|membership)(?: for me)?",
        r"(?:i|we)(?: want| would like|'d like| wish) to (?:cancel|terminate) (?:my|our|the) (?:subscription|plan|contract|membership)",
    ),
    Reason.NEGATIVE_SENTIMENT: (
        rf"(?:second|third|fourth|fifth|sixth|seventh|tenth|umpteenth|hundredth|\d+(?:nd|rd|th)) time(?: now)?(?: that)?,? (?:i|we)(?:'m|'re|'ve| am| are| have| had)?(?: to| now| already)? {_TOLD}(?! (?:an?|the|my) (?:comment|note|rule|task|card|project|board|file|app))",
        r"(?:second|third|fourth|fifth|sixth|seventh|tenth|\d+(?:nd|rd|th)) (?:e-?mail|message|ticket|request|complaint|reminder)(?: (?:about|on|for|regarding|i|we|and)\b)",
        rf"(?:still|nothing|yet)[^.?!\n]{{0,40}} after {_MANY} (?:\w+ )?{_ANSWERS}",
        rf"after {_MANY} (?:\w+ )?{_ANSWERS}[^.?!\n]{{0,40}} (?:still|nothing|no closer|not)",
        rf"(?:i|we)(?:'ve| have| had)?(?: already| now)? {_TOLD} (?:(?:you|this|that|it|support|about|the|same|thing|problem) ){{0,5}}(?:already )?(?:{_MANY} times|thrice|twice (?:now|already|and))",
        r"how (?:many times|often) (?:do|must|should|will) (?:i|we)(?: have to| need to)? (?:explain|ask|write|tell|report|repeat|say)",
        r"(?:keep|keeps) (?:sending|giving|getting) (?:me |us )?(?:back )?the same (?:\w+ )?(?:answer|reply|article|link|response)",
        r"(?:none|neither|not one) of your (?:answers|replies|suggestions|tips|articles) (?:has |have )?(?:help|work|fix|solv)\w*",
        r"(?:nobody|no one|no-one) (?:ever )?(?:answers|replies|responds|answered|replied|has (?:answered|replied|responded)|is (?:answering|helping))(?: to)? (?:me|us|my|our)",
        r"(?:i am|i'm|we are|we're) (?:losing|running out of) (?:my |our )?patience",
        r"(?:sick|tired) of (?:this|your|waiting|asking|explaining|repeating|the same)",
        rf"(?:extremely|very|really|so|deeply|beyond|absolutely|incredibly|highly) {_ANGRY}",
        rf"{_ANGRY} and {_ANGRY}",
        r"(?:i am|i'm|we are|we're) (?:furious|livid|outraged|disgusted|fed up|sick of|sick and tired)",
        r"(?:worst|most useless) (?:\w+ )?(?:app|product|service|software|support|company|experience|tool|program)(?: ever)?",
        r"(?:i|we) (?:really |absolutely |just |fucking )?hate (?:it|this|you|your \w+|tidewater)",
        r"(?:is|are|absolutely|completely|totally|utterly|so|just) (?:ridiculous|unacceptable|outrageous|disgraceful|a disgrace|pathetic|appalling|a joke|garbage)",
        r"(?:nobody|no one|no-one) (?:cares|gives a damn)",
        r"(?:total |complete |huge |utter )?waste of (?:my |our )?(?:time|money)",
        r"(?:terrible|horrible|awful|lousy|pathetic|disgusting) (?:customer )?(?:service|support|product|experience|app|company|treatment)",
        r"(?:never|not) (?:use|buy|pay for|recommend) (?:this|your) (?:app|product|service|software|company) again",
    ),
}
