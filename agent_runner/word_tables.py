"""The words that the gate knows: irregular forms, synonyms, opposites, and those that say nothing by themselves."""

IRREGULAR = """
used:use using:use uses:use paid:pay sent:send kept:keep chosen:choose chose:choose bought:buy made:make making:make
built:build held:hold lost:lose loses:lose got:get gotten:get gets:get found:find seen:see saw:see sees:see shown:show
went:go gone:go goes:go going:go left:leave took:take taken:take gave:give given:give written:write wrote:write run:run
ran:run running:run began:begin begun:begin broke:break broken:break hidden:hide hid:hide chooses:choose choosing:choose
subscription:subscribe subscriptions:subscribe permission:permit permissions:permit people:person children:child
known:know knew:know meant:mean met:meet read:read said:say told:tell tells:tell thought:think wore:wear
dried:dry drying:dry dries:dry came:come fed:feed led:lead lit:light spent:spend stolen:steal
stole:steal decision:decide choice:choose disabled:disable disabling:disable disables:disable
loss:lose proof:prove proves:prove charged:charge charging:charge lasts:last
"""

GROUPS = """
choose select pick click tap press push hit
remove delete erase discard wipe clear
start begin launch commence
stop end finish halt cease
show display appear see view visible list
allow permit let able possible may can
need require must necessary compulsory mandatory obligatory required
maximum limit most cap
minimum least
email mail
change edit modify alter adjust update amend
create make add new set
get receive obtain
send deliver dispatch ship forward
keep store save retain remain stay hold
fix repair resolve solve
buy purchase order
pay charge cost bill price fee
free complimentary gratis
automatic itself automatically
immediately instantly straight
person people user someone anybody anyone member everybody everyone nobody somebody colleague
error fail problem fault failure trouble issue
find locate look search
open go visit head navigate enter
enter type input fill write provide give supply
help support assistance
sign log login signin
log sign
wait pause
twice two
renew extend
cancel terminate
restore recover
replace swap exchange
connect link pair attach join
happen occur
use apply work
finish complete done
valid good
expire lapse
large big
small little
fast quick speedy rapid
phone mobile telephone
picture photo image
device gadget appliance machine
place put position insert
copy duplicate
whole entire complete full
part portion piece
each every per
confirm verify check approve
test examine inspect check
register sign enrol
previous earlier former last
try attempt retry repeat
reach arrive deliver
shrink small reduce
enlarge large increase grow
refund reimburse
lack miss absent
seat sit
proper correct right
comment note remark
ask request prompt
cover include contain comprise
inform notify notification alert tell warn
answer reply respond response
last persist continue
holiday vacation
weekend saturday
flash blink
turn switch
hold press
lock block
purchase order
proof receipt invoice
parcel package delivery shipment
account profile
company business organisation organization firm
approximately about roughly around
rename name
collect gather
travel trip journey
shut close
rinse wash clean
sort arrange
upload import
download export
tick check
share shared
staff employee
customer client buyer
fee charge
several multiple
simultaneously same
earliest first
correct right
location place address
option setting preference
"""

OPPOSITES = """
enable activate / disable deactivate
before prior ahead / after afterwards following
more greater above exceed longer / less fewer below under shorter
allow permit accept / block forbid prohibit refuse deny prevent reject
add include attach / remove delete exclude detach
open / close shut
increase raise grow / decrease lower reduce shrink
start begin / stop end
lock locked / unlock unlocked
show visible display / hide hidden invisible
public / private
free / paid charge
connect / disconnect
install / uninstall
required mandatory compulsory / optional voluntary
online / offline
minimum least / maximum most
same / different
early earlier earliest / late later latest
upper top / bottom
inside / outside
import / export
upload / download
send / receive
safe / unsafe dangerous
permanent irreversible / temporary reversible
automatic automatically / manual manually
hot warm / cold cool
wet damp / dry
old older oldest / new newer newest
buy / sell
possible able / impossible unable
available / unavailable
likely / unlikely
success succeed / fail
full / empty
larger / smaller
fast faster / slow slower
valid / invalid
encrypted / unencrypted
include included / exclude excluded
expand / collapse
easy / hard
"""

COMMON_WORDS = """
go goes going see sees seen back along part bit minimum maximum simply soon
time times required necessary possible allowed able supposed single someone somebody anyone anybody people person
a an the and or but if then so to of in on at by for from with as is are was were be been being it its this that these
those you your yours we our us i my me he she they them their his her can could may might must should shall would will
do does did done doing have has had having not no yes there here please also just when where what which who whom whose
how all any some than too very up out into onto over under again once while because until since through during via
within without per each every both either own still yet even well such one other another now only ever never always
need needs needed want wants able way thing things get gets got make makes made let lets happen happens become becomes
mean means whether whenever wherever as-is however therefore though although after before about more most less least
first next finally later later afterwards ahead much many lot long takes take taken come comes
"""
