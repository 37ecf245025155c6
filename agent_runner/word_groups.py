"""Words that stand for each other in support English: each group between bars, a word may be in several."""

GROUPS = """
choose select pick click tap press push hit | remove delete erase discard wipe clear
start begin launch commence | stop end finish halt cease | show display appear see view visible list
allow permit let able possible may can | need require must necessary compulsory mandatory obligatory required
maximum limit most cap | minimum least | email mail | change edit modify alter adjust update amend
create make add new set | get receive obtain | send deliver dispatch ship forward
keep store save retain remain stay hold | fix repair resolve solve | buy purchase order
pay charge cost bill price fee | free complimentary gratis | automatic itself automatically
immediately instantly straight
person people user someone anybody anyone member everybody everyone nobody somebody colleague
error fail problem fault failure trouble issue | find locate look search | open go visit head navigate enter
enter type input fill write provide give supply | help support assistance | sign log login signin | wait pause
twice two | renew extend | cancel terminate | restore recover | replace swap exchange
connect link pair attach join | happen occur | use apply work | finish complete done | valid good | expire lapse
large big | configure setup adjust set | login access | logout leave | obtain download fetch
display screen monitor | menu list | button key switch | message mail email letter | text message
folder directory | box field checkbox | tick check mark | untick uncheck clear deselect
app application program programme software | web website site page | computer pc machine laptop desktop
vm machine | person individual human | worker employee staff | administrator admin | organiser host
participant attendee guest | receive arrive get | recipient addressee receiver | own possess have
responsible liable | reason cause why | explain describe | permit license | permission right access
forbid ban prohibit disallow | block prevent stop bar | reject decline refuse deny | fail break crash
retry repeat again | several many more multiple various | few some couple
mostly usually normally generally typically most | often frequently frequent regularly | sometimes occasionally
rarely seldom | always constantly permanently | current present existing active | next following subsequent
new another fresh additional further more extra | another different other | rest remaining remainder remain
enough sufficient | begin start open | last take need require | run execute operate work
build construct make compile | publish post release deploy | upload drop drag
move transfer shift migrate relocate slide | push press move | pull drag draw | carry bring take
contact write call reach | call ring phone telephone | speak talk | understand grasp | mention state say note
suggest propose recommend advise | decide choose determine | prefer like | own private personal
common shared joint | public open | secret confidential hidden | safe secure | protect secure guard
harm damage hurt wear ruin destroy | broken defective faulty damaged | defect fault hardware | dirt dust stain
wipe clean wash brush | moist wet damp | water liquid fluid | cable cord lead wire | plug socket outlet port
charger adapter supply | battery accumulator cell | drain empty flat discharge expire | fill load refill pour
firm tight fast | attach fasten fix mount | loosen unscrew open | top upper
bottom lower below underneath beneath under | above over | beside next near | front before | back behind rear
inside within in | away off | corner side | middle center | edge border | row line | column row | table grid
chart diagram graph | number digit figure code | code pin password key | amount sum total
total whole overall all | half 50 | percent share | price fare cost rate fee tariff | rate tariff plan
cheap inexpensive | discount reduction rebate | voucher coupon gift | cash money | money amount
bill invoice charge | receipt proof | basket cart | shop store | article item product thing | goods item
order booking reservation | book reserve | trip journey travel | ticket pass | train rail | flight departure
depart leave | luggage baggage bag | hotel accommodation | household home family | house home | address location
country nation state | language tongue | time duration period | date day | deadline limit | early soon
delay late wait lag | wait pause hold | slow delayed | quick rapid fast | schedule plan timetable
regular periodic | expire run end lapse | valid work | active enable on running | inactive disable off
pause suspend freeze | resume continue | restart reboot reopen | reset restore | quit close exit leave
sleep standby | wake activate | shake wave | turn rotate spin | swipe slide | scroll move | hover point
highlight select mark | copy clone replicate | paste insert | attach include | attachment file | document file
picture image photo photograph | video film clip | title name heading | name call term | label tag
comment remark note | group team | team workspace | member user participant | owner holder
author writer creator | creator maker | manager supervisor lead | role right | grant give allow
withdraw revoke retract | share publish | link url address connection | internet web online | wifi wireless wlan
network connection | server host | signal reception | database db | folder profile | backup copy | archive store
log record | record log recording | history log | search find filter | filter rule | rule condition
sort order arrange | match correspond | equal same identical | include contain hold
exclude omit skip leave ignore | missing absent lack | duplicate double twice copy | merge combine join unite
split divide separate | separate own apart individual | individual single | single one | group collect
collect pick gather | count number | calculate compute | increase raise extend | decrease lower reduce
raise higher increase | affect influence touch change | touch tap press hold | apply affect effect
effect force | trust rely | sure certain confirm | confirm acknowledge accept | accept agree confirm
agree consent | submit send hand | report tell notify | announce report | alert warn notification
look view see | preview view | watch view see | read view | listen hear | sound audio | speaker loudspeaker
voice speech | colleague coworker | teacher tutor | student pupil | university college | customer buyer client
seller vendor | maker manufacturer producer | supplier provider vendor | provider operator carrier
carrier courier | warehouse depot | parcel package post | deliver arrive | unpack open | pack package
packaging wrapping box | return refund back | refund repay return | claim request demand | complaint claim
reply answer response | question query | help assist support | guide manual instruction
instruction step direction | step stage | stage phase | task job | job task work | goal aim
version release edition | old previous earlier outdated | update upgrade refresh | upgrade improve
downgrade lower | improve better | trial test | test try | check inspect look | scan examine | virus malware
spam junk | identity id | verify validate prove | password passphrase | token key | device hardware
tool utility | option choice | default standard | standard default normal | normal usual ordinary
special particular | particular certain specific | important critical urgent | critical serious severe
unnecessary needless | optional voluntary | free unpaid | limit restrict cap | exceed over | reach hit
ends end finish | end finish over | complete end | succeed success work | successful succeed | attempt try
vanish disappear go | lost gone | lose vanish | gone delete | original source | result outcome | reach access
access open enter | reachable accessible available | available offer | offer provide | supply deliver provide
give hand | receive accept | prevent avoid | wear carry | weigh weight | heavy weight | long length
high height | wide width | warm heat | cool cold | temperature heating | light lamp led | flash blink flashing
steady solid constant | brand make | model type kind | kind type sort | type category | category kind class
section part area | area zone region | page screen | window dialog pop-up | tab section | icon symbol sign
dot point | circle ring | three dots | gear cog settings | settings preferences options configuration
setting configuration | small little | fast quick speedy rapid | phone mobile telephone
device gadget appliance machine | place put position insert | whole entire complete full | part portion piece
each every per | confirm verify check approve | test examine inspect check | register sign enrol
previous earlier former last | try attempt retry repeat | reach arrive deliver | shrink small reduce
enlarge large increase grow | refund reimburse | lack miss absent | seat sit | proper correct right
ask request prompt | cover include contain comprise | inform notify notification alert tell warn
answer reply respond response | last persist continue | holiday vacation | weekend saturday | turn switch
lock block | proof receipt invoice | parcel package delivery shipment | account profile
company business organisation organization firm | approximately about roughly around | shut close
rinse wash clean | upload import | download export | share shared | simultaneously same | earliest first
location place address | option setting preference
"""
