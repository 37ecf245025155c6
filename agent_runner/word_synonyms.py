"""Everyday words that may stand for each other in some sentences: such a word counts as missing only in part."""

VERBS = """
see view look watch check glance | notice spot recognise detect identify discover | recognise know familiar
know aware learn | find discover come across | hear listen | feel notice | remember memorise store recall
forget lose | remind reminder prompt | think consider believe | want wish like desire intend plan | prefer rather
choose opt select pick decide settle | opt choose want | decide determine settle fix | regret mind reconsider undo
undo reverse revert rollback cancel | reverse back undo | revert return restore back | redo repeat
begin start initiate commence kick | start launch open run boot begin | launch open start execute
initiate request start | continue proceed carry go resume keep remain | carry move bring transfer take transport
bring take move carry fetch get | put place insert set lay | put bring take place | lift raise pick hoist up
raise lift up | lower drop reduce | hold keep press down | hold retain keep reserve | keep leave stay let
keep leave preserve maintain retain | preserve keep survive retain | survive stay remain keep intact unaffected
stay remain last persist continue live | leave remain stay rest | rest remain left other | last take run continue
last endure durability life | reconnect connect again renew repair | connect attach plug join wire hook
plug connect insert | unplug disconnect pull | pull unplug remove draw | pull out remove extract take
extract pull take remove | remove lift take pull detach strip | eject remove | drop lose discard forget remove
drop fall sink decrease go | fall drop sink | sink drop fall | rise increase grow climb go up
grow expand enlarge increase rise | expand extend enlarge | extend lengthen prolong add | prolong extend longer
shorten reduce cut | cut reduce sever trim | crop trim cut | reduce lower cut less fewer | lessen reduce
multiply increase | double twice | exceed surpass pass over above more beyond top | pass exceed reach elapse
elapse pass go expire | expire void invalid lapse end run | void invalid expire | invalid expired
end stop cease over | end expire finish conclude close | conclude end finish | finish done complete end ready
complete finish fill done | complete full entire finish | stop quit exit cease | stop halt suspend pause interrupt
interrupt break stop disrupt pause | interrupt down outage | interrupt stay up | suspend hold pause stop put
hold pause suspend | wait until hold delay | delay postpone defer later | postpone delay put | hurry fast quick
skip omit leave miss jump | skip bypass avoid | bypass avoid round circumvent | avoid prevent never not
avoid steer keep away | miss lack skip | lack without missing absent | prevent stop block keep protect hinder
hinder prevent block | block lock bar stop | bar block ban | ban block forbid | let allow enable permit
enable allow let possible | allow accept support | support accept allow handle offer compatible work
compatible support work suit | suit fit match work | fit suit match go | match fit suit same agree | match equal same
refuse decline reject turn | reject bounce refuse return | bounce reject return | accept take welcome allow
approve accept authorise confirm permit allow grant | authorise permit allow approve | grant give permit allow assign
assign give allocate grant | allocate assign give | distribute share send hand | hand give pass deliver
pass hand give forward | pass hand transfer | give offer provide supply grant | provide offer give supply
offer sell provide come available | come include ship | include cover contain comprise have consist
comprise consist contain | consist contain made | cover pay include protect bear meet | bear pay cover
pay settle cover clear bear spend | settle pay clear resolve | clear settle pay | owe due outstanding open unpaid
outstanding open due unpaid pending | pending open waiting outstanding | spend pay use | reimburse refund repay
deduct subtract take withdraw charge | debit charge deduct take | charge bill debit | charge apply fee cost
cost price charge amount be | invoice bill | tax vat | earn get receive collect gain | gain get receive
get receive obtain gain be | receive get accept arrive | arrive reach come get delivered | come arrive go
collect gather fetch pick get | fetch collect get bring | gather collect | obtain get receive | acquire get buy obtain
own have belong | belong part own | have own contain hold carry | lose drop miss forfeit | forfeit lose | win get
prevail win count | count matter apply win | count include consider regard | consider regard treat count
treat handle consider | handle process deal treat manage | process handle treat work | deal handle manage
manage handle administer run control organise | control manage steer operate | operate run use work control
run go work operate | run perform execute carry do | perform do execute carry run | do perform make carry
happen occur take place arise | occur arise happen appear | arise occur come | appear show up come display arise
appear show emerge seem | seem look appear | show display present indicate mean
indicate show mean signal tell denote | mean indicate signify stand | signal show indicate | reveal show display
hide conceal mask | mask hide conceal | expose reveal show | present show give | demonstrate show
prove show verify confirm | verify check confirm validate | confirm verify validate approve
check verify examine inspect review test | review check look inspect examine read
assess review check evaluate judge look examine | evaluate assess | inspect look check examine view
monitor watch observe check track follow | track follow monitor trace | follow obey observe use adhere | follow track
adopt follow use take | use employ utilise apply | utilise use | apply use take count hold valid force
force effect apply | rely depend trust | depend rely vary hinge | vary differ change depend | differ vary different
change switch alter swap | change vary switch become turn | become turn change get | turn become go change
turn rotate twist | twist turn rotate | switch change swap move turn | swap exchange replace change switch trade
replace substitute change swap renew | substitute replace instead | exchange swap trade change
convert turn transform change transcribe | transform convert | transcribe convert text | translate translation convert
edit change modify revise alter amend correct | revise edit | correct fix repair right | fix correct repair mend solve
mend repair fix | solve fix resolve clear | resolve fix solve | fail break crash unsuccessful wrong
crash fail stop freeze | freeze block hang stop | hang freeze stuck | stick stuck hang jam | jam block stuck
break damage destroy fail | damage harm break spoil ruin scratch | spoil damage | scratch damage
erase wipe delete clear remove | wipe erase clean | destroy delete ruin | discard throw drop delete bin
throw discard bin dispose | dispose throw discard | archive store put | store keep save hold put | save keep store
save record store | record save log capture write note | capture record take | note record write see
write compose draft type | compose write draft create prepare | draft write compose | prepare make ready create
create make generate produce build new | generate create produce make | produce make create generate
form make create | design create plan | add insert append put attach include | append add attach | insert add put
attach add include enclose | enclose attach | enter type input key write give insert | type enter write
submit send hand enter file | file submit | send mail post email | send submit transmit deliver
transmit send transfer | deliver send bring ship | ship send deliver | dispatch send ship leave
forward send pass redirect | redirect forward send | return back send give | reply answer respond
answer reply respond | respond reply answer react | react respond | contact reach ask write get call
ask request want query require consult | request ask require demand apply want | demand require ask
require need demand call | need require want must | tell inform | inform tell notify let know
notify tell inform alert email message | alert warn notify tell | warn alert caution tell
report tell inform notify raise | announce tell inform | say state | state say | state status condition
describe explain say outline | explain describe tell say | mention say note | suggest propose
recommend advise suggest should best | advise recommend tell | propose suggest | invite ask add | join enter connect
join become enter take | leave quit exit go | quit exit close leave stop | exit leave quit close | close shut end quit
open launch start unlock | unlock open | unlock unblock release | release free unlock | free release
unblock allow release | lock block secure | lock out block | secure protect safe | protect guard secure save safe
guard protect | share give pass split | split divide share | divide split | combine merge mix together join
mix combine | merge combine join unify | separate split apart | sort order arrange rank | arrange sort order organise
organise arrange | move shift drag transfer relocate go | shift move | drag pull move draw | drag drop
transfer move copy send | copy duplicate transfer carry | duplicate copy repeat | import bring load
load import open fetch | export save take | upload add send put | upload transfer | download get save | download load
install add set put load | update upgrade renew install | upgrade move switch higher | downgrade switch move lower
renew extend continue update | renew again | restart reboot start again relaunch | relaunch restart reopen
reopen open again | repeat again | retry again try | try attempt | attempt try | visit go open see
go visit head move open | go travel move | drive go travel | travel go ride | ride travel | walk go
land arrive end go | reach get hit arrive contact | touch press tap | press tap push hit click hold
click press select hit choose | hit press tap reach | tick check select mark | untick clear uncheck deselect
uncheck clear | mark flag tick tag highlight label | flag mark | label mark name | name call title
rename name change call | enable activate turn switch | activate enable switch start turn
deactivate disable switch turn | disable deactivate stop turn | mute silence quiet | silence mute
adjust set change alter tune | set choose adjust define put | define set specify | specify set give name state define
configure set adjust | customise change adjust adapt personalise | adapt adjust change | personalise customise
assume expect | expect wait | expect should anticipate | hope wish | help assist aid support | assist help
serve help work | care look | clean wash wipe rinse | dry wipe | cool chill | warm heat | heat warm bring
glow light lit burn on | lit light on | flash blink glow | beep sound tone chirp | ring sound call | speak talk say
talk speak | sound hear tone | play run sound | pair connect link couple | couple pair connect | link connect tie bind
tie bind link | bind link tie | fasten secure attach | recover restore back rescue retrieve get
retrieve get recover restore fetch | rescue recover | restore bring recover back | redeem use claim cash apply
claim request redeem | buy purchase get | sell offer | rent hire lease borrow | borrow lend rent | lend borrow
book reserve order | order buy purchase | subscribe sign join | unsubscribe leave cancel opt
register sign enrol join create | enrol register join | log sign | authenticate login verify sign identify
cancel end stop | terminate end cancel close | dismiss close | withdraw remove revoke take cancel
revoke withdraw remove cancel | lift remove end | waive drop cancel | launch release | publish release public
post publish write | comment write remark | vote poll ballot | rate score judge | score mark point
measure count read | read see view | scan read check | limit cap restrict maximum allow | restrict limit confine
confine limit restrict | affect change influence touch apply hit | affect matter concern | concern about affect
influence affect | cause lead make reason | lead cause result | result lead outcome follow
ensure sure check see guarantee | guarantee ensure promise warranty | promise guarantee
"""

NOUNS = """
message mail email letter note | conversation thread chat discussion | thread conversation | reply answer response
autoreply reply | correspondent sender writer contact person | sender writer author | recipient receiver addressee
inbox mailbox mail | mailbox account inbox | junk spam | bin trash rubbish | folder directory
path location place folder | file document attachment | attachment file enclosure | page site screen website view
window screen dialog pane box | pane panel window area | panel pane page area section
screen display page window view monitor | display screen monitor | menu list | list overview table
overview list summary | summary overview | table list grid | field box blank | box field checkbox container package
button key control switch | switch button toggle | toggle switch | key button | icon button symbol image
tab page section | section area part page tab | area region part section place | bar strip
settings setting preferences options configuration | setting option preference | option choice setting possibility
theme appearance look design | mode view setting | layout arrangement design | feature function option tool
function feature | tool feature utility program | program app application software client tool | client program app
software program app | app program application | system platform | platform system | login signin session
session login | account profile user membership | profile account | password passphrase credentials passcode
credentials password login name | passcode code pin password | code number pin key | pin code number | token key code
user person member account | member person user colleague participant | person human individual someone user
human person people someone | people users members persons everyone others | teammate colleague member
colleague coworker | staff employee team worker | employee staff worker | boss manager | manager boss supervisor lead
team group staff | group team | admin administrator owner | owner holder | customer client user buyer subscriber
subscriber customer reader | reader user | buyer customer purchaser | guest visitor | visitor guest
passenger traveller rider guest | traveller passenger | child kid minor | kid child | adult grown parent
parent adult guardian | tenant renter | resident inhabitant | company firm business employer | employer company
shop store seller | store shop | agent adviser support | support help service team us | service help
technician engineer specialist | engineer technician | expert specialist | editor writer
computer pc machine laptop mac desktop | laptop computer notebook | phone mobile smartphone handset | tablet device
device machine gadget unit appliance equipment | machine device appliance unit | equipment device gear
unit device machine | console dashboard panel | dashboard console overview | server host machine
instance machine server | network wifi connection | internet online web connection offline
connection link network internet offline | link url address | address url link location | site page website
website site page | domain address | record entry | entry record item line | item thing article entry
thing item object | object item file | element item part | line row | row line | log record journal history
history log record past | backup copy | copy backup duplicate | snapshot backup copy | version release edition
release version | edition version issue | issue problem edition | problem issue trouble error fault
error mistake fault problem failure | mistake error wrong | failure fault error breakdown outage
outage failure downtime | warning alert notice caution | notification alert notice message
alert warning notification | notice notification warning | reminder notice | hint tip clue
instruction direction guide step | guide manual instruction | manual guide | step stage action | action step operation
operation action | task job work | job task work | work job | plan tier package subscription tariff | tier plan level
level tier grade stage | package plan parcel | subscription plan | fee charge cost price | price cost fee
cost price expense fee | expense cost | amount sum quantity number | sum amount total | total sum all
balance amount credit money | credit balance | money cash funds amount | funds money | payment pay money
bill invoice statement | invoice bill | receipt proof bill | proof evidence receipt | evidence proof
refund money back | discount reduction off | reduction discount | voucher coupon code | gift present
contract agreement | agreement contract | terms conditions | condition term rule requirement
requirement condition must need | rule condition policy | policy rule | limit cap maximum restriction ceiling
quota limit allowance | allowance quota | restriction limit | permission right access
right permission access entitled | entitled right eligible may | eligible entitled qualify can | qualify eligible
access permission right reach | role right function position | identity id name | name title | title name heading
subject title topic | topic subject theme | text words wording content | content text material | word term
phrase words | sentence phrase | letter character | character letter sign | digit number figure | figure number
number figure amount count | photo picture image photograph | picture image photo | image picture
video film clip movie | film video | song track music | music song audio | sound noise audio tone | noise sound
voice speech | speech voice | language tongue | date day | day date | period time duration span interval term
interval gap period frequency | duration length time period | length duration long | deadline limit date
moment time point instant | time moment hour | occasion time | year annual yearly | month monthly | week weekly
day daily | hour hourly | night nightly overnight | evening night | holiday vacation absence away leave
absence away holiday | schedule timetable plan calendar | timetable schedule | calendar schedule diary
appointment meeting event | meeting call appointment session | event appointment meeting | call phone ring
trip journey travel | journey trip ride | departure leave | arrival arrive | stay visit | ticket pass | seat place
place location spot position seat | spot place | position place location | location place | home house flat
house home building | room space | space room storage | storage space room memory | memory storage
capacity room size space | size large big dimension | weight heavy | height high tall | width wide | depth deep
distance far away range | range distance reach | speed fast quick rate | rate speed frequency
frequency often interval | colour shade | light lamp led indicator | lamp light led | led light lamp
indicator light lamp | battery charge power | power electricity supply energy | electricity power current
energy power | plug socket | cable cord wire lead | cover lid cap | lid cover cap | case box cover
container box bin tank | tank container | hose tube pipe | pipe hose tube | filter strainer | cloth rag towel
water liquid fluid | liquid fluid | dirt dust | heat warmth temperature | temperature heat degree | benefit advantage
advantage benefit | danger risk hazard | risk danger | reason cause why | cause reason | purpose reason aim
way method means manner | method way means | manner way | means way | kind type sort | type kind sort | sort kind type
part piece section portion | piece part | majority most | rest remainder others remaining | remainder rest
beginning start | start beginning | end ending finish close expiry | ending end | middle centre | side edge
top upper up head | bottom foot lower down base | base bottom foot | back rear behind | order sequence
sequence order row | row succession consecutive running | succession row | attempt try
request demand application inquiry | application request | question query inquiry | answer reply
feedback comment opinion | opinion view | suggestion proposal | proposal suggestion
"""

OTHER_WORDS = """
automatically automatic itself unattended | automatic automated machine | manually manual hand yourself
hand manually manual | personally yourself | immediately directly instantly promptly once
promptly quick soon immediately | soon shortly quickly early | shortly soon brief | quickly fast soon rapid
currently now present moment | now current present | previously before earlier | earlier previous before former
formerly before previous | afterwards later then after following subsequently | subsequently later after
later afterwards after | finally last end | eventually finally end | initially first beginning start | first initial
originally first initial | original initial first | meanwhile during while
simultaneously together same parallel concurrent | parallel simultaneously concurrent | together jointly both combine
jointly together | consecutive running successive row | successive consecutive following row
again anew afresh once more re | anew again afresh new | afresh anew again | already before yet | still yet continue
permanently always forever ever good | forever always permanent | always ever time constantly whenever
whenever each every time | often frequent many | frequently often | occasionally sometimes
usually normally mostly general | normally usual | rarely seldom | generally usually
approximately about around roughly some | exactly precisely | precisely exact | entirely completely fully whole all
completely entirely fully total | fully completely entire full | partly part | mostly most mainly | mainly most
especially particular | only exclusive | exclusively only | simply just easy | easily easy simple
directly straight direct | straight direct | separately individually apart single | individually separate single
deliberately purpose intentional | intentional purpose deliberate | accidentally mistake | successfully success
properly correct right | correctly right proper | safely safe | carefully care gentle | gently soft careful
firmly tight hard | hard difficult | difficult hard | easy simple | simple easy plain | plain simple ordinary
ordinary normal usual plain common regular | regular normal ordinary usual | usual normal
standard normal ordinary basic | basic standard | special particular extra | extra additional more further
additional further extra more other | further additional more | other another different else
another different second additional | different other various | various different several
several many multiple some more | multiple several many | many several lot | numerous many | few some
enough sufficient adequate | sufficient enough | whole entire all full | entire whole all | full whole complete
complete whole | total whole | single one individual | sole only single | unique single | only remaining last sole
remaining left other rest | left remaining over rest | same identical equal | identical same | similar alike same
alike similar | equal same | new recent fresh latest | recent new latest last past | latest newest recent last
past last previous recent | last past recent previous final | final last end | previous last earlier old
old former previous earlier | current present existing | existing current present | present here current
available offer get exist | unavailable missing | exist place present there available | visible seen show appear
hidden invisible | public open everyone | private personal | personal private own | own personal | shared common joint
free gratis costless | paid charged | expensive costly dear | costly expensive | cheap inexpensive | big large
large big bulky | huge large | small little tiny | little small | tiny small | long lengthy | short brief
brief short | tall high | low small | heavy weighty | light weight | fast quick rapid | quick fast | slow slowly
early ahead advance soon | ahead early before advance | late overdue delayed | overdue late due unpaid
due overdue payable | payable due pay | ready done finish prepared available | prepared ready | busy occupied use
occupied busy taken | empty blank flat vacant | blank empty | vacant free empty | broken defective faulty damaged
defective broken faulty | faulty defective wrong | wrong incorrect mistaken false | incorrect wrong | false wrong
right correct | correct right proper | accurate exact correct | exact precise accurate | clear obvious plain
sure certain | certain particular sure | likely probable | probable likely | possible can able | impossible unable
necessary required needed must | essential necessary required | mandatory required must compulsory
optional choice voluntary | important vital | vital important essential | urgent important pressing | serious severe
severe serious | dangerous unsafe | safe secure | secure safe | trusted trust safe | unknown unfamiliar unrecognised
unfamiliar unknown | known familiar | famous known | suspicious strange unknown odd | strange odd unusual
unusual odd rare | rare unusual | common frequent usual | active running on enable live | live active running
inactive idle off unused | idle inactive unused | unused idle | online connected web
offline disconnected internet connection | disconnected offline | wireless wifi | mobile phone portable
portable mobile | digital electronic online | electronic digital online | printed paper print | paper printed sheet
sheet paper page | sharp crisp clear | crisp sharp | dull muffled blurry | blurry unclear dull | loud noisy
quiet silent | silent quiet mute | bright light | dark black dim | dim dark | warm hot | hot warm heat | cold cool
wet damp moist | dirty soiled | intact unharmed unchanged same | unchanged same unaffected intact original
unaffected unchanged intact | hereafter onward after | onward after from on | upward up | downward down
inside within in | outside beyond out | beyond outside over | below under beneath less | above over more
near close beside | next beside following | opposite other | abroad foreign country | foreign abroad other
domestic home | local home nearby | nearby near | everywhere all | anywhere wherever any | anyway still
except apart besides but | besides except apart also | apart except separate | save except
"""

SYNONYMS = "\n".join(part.strip() for part in (VERBS, NOUNS, OTHER_WORDS))
