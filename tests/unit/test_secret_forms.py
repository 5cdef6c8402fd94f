"""Secrets as configuration, code, command lines and people write them: what is between the marks goes."""

import pytest

from langtrail.processors.redact import redact_text
from tests.unit.marked import secrets_left, unmarked

GOES = r"""
DB_PASSWORD=«s3cr3tPa55»
export AWS_SECRET_ACCESS_KEY=«wJalrXUtnFEMIK7MDENGbPxRfiCYzzzzKEY12345»
password: «sunshine»
password: "«sunny day»"
  db_password: '«pa$$w0rd!»'
password = "«topsecret»"
{"dbPassword": "«letmein»"}
<password>«letmein»</password>
<add key="DbPassword" value="«letmein1»" />
<property name="password" value="«letmein»"/>
<entry key="jdbc.password">«letmein»</entry>
<property name="hibernate.connection.password">«letmein»</property>
<add key="ClearTextPassword" value="«CleartextPassword1»" />
<user username="admin" password="«tomcat99»" roles="manager"/>
<Resource name="jdbc/db" auth="Container" username="sa" password="«hunter2»" />
  password             = "«MyS3cureDB»"
variable "db_password" { default = "«changeme123»" }
ENV MYSQL_ROOT_PASSWORD=«root123»
ENV POSTGRES_PASSWORD «postgres99»
ARG NPM_TOKEN=«abcd1234efgh5678»
      MYSQL_PASSWORD: «example99»
      - POSTGRES_PASSWORD=«example»
      - "REDIS_PASSWORD=«foobared»"
  password: «cGFzc3dvcmQxMjM=»
  DB_PASS: «c3VwZXJzZWNyZXQ=»
apiVersion: v1\nkind: Secret\ndata:\n  user: YWRtaW4=\n  pw: «cGFzc3dvcmQ=»
kind: Secret\nstringData:\n  config: «hello-world-1»
machine api.heroku.com login me@example.com password «abcd-1234»
machine example.com login bob password «hunter2»
default login anonymous password «bob1»
db.example.com:5432:mydb:admin:«s3cretpw»
localhost:5432:*:postgres:«letmein»
jdbc:mysql://localhost/db?user=root&password=«letmein»
jdbc:postgresql://h:5432/d?user=u&password=«s3cr3t»&ssl=true
jdbc:oracle:thin:scott/«tiger»@//myhost:1521/svc
jdbc:sqlserver://h;databaseName=d;user=sa;password=«Str0ng»;
Server=db;Database=x;User Id=sa;Pwd=«P@ssw0rd»;
Data Source=s;User ID=sa;Password=«P@ss;w0rd1»
"Server=tcp:x.database.windows.net;User ID=u;Password=«P@ssw0rd!23»;Encrypt=True"
amqp://guest:«guest1»@localhost:5672/
mongodb+srv://app:«pw%21x»@cluster0.mongodb.net/db
redis://:«hunter2»@cache:6379
postgresql+psycopg2://u:«p:w»@h/d
mysql -u root -p«S3cret» mydb
mysql -uroot -p«S3cret»
mysqldump -h db -u app -p'«S3 cret»' shop
mysql --user=root --password=«letmein» db
sshpass -p «hunter2» ssh bob@host
sshpass -p '«hunter2»' ssh host
PGPASSWORD=«letmein» psql -h db
PGPASSWORD='«let me in»' psql
curl -u bob:«hunter2» https://x
curl --user "bob:«hunter2»" https://x
wget --password=«pw1234» http://x
wget --http-password «pw1234» http://x
docker login -u bob -p «hunter2» registry.io
docker login --username bob --password «hunter2»
az login --service-principal -u http://x -p «VerySecret1»
kubectl create secret generic db --from-literal=password=«hunter2»
helm install x --set auth.password=«hunter2»
htpasswd -b .htpasswd bob «hunter2»
redis-cli -a «hunter2» ping
redis-cli -h x -a «hunter2»
ldapsearch -D cn=admin -w «hunter2» -b dc=x
openssl enc -aes-256-cbc -k «hunter2» -in a
openssl rsa -in k.pem -passin pass:«hunter2»
zip -P «hunter2» a.zip b
unzip -P «hunter2» a.zip
7z x -p«hunter2» a.7z
mongo -u admin -p «hunter2» --authenticationDatabase admin
psql "host=h user=u password=«letmein» dbname=d"
net use z: \\s\share /user:bob «hunter2»
spring.datasource.password=«letmein»
spring.mail.password = «let me in»
db.password = «letmein»
define('DB_PASSWORD', '«letmein»');
define("AUTH_KEY", "«put yer unique phrase here 99 %$»");
define( 'SECURE_AUTH_SALT', '«k|]y%Z-asd87^&*(sdf»' );
$password = '«letmein»';
$config['db_password'] = '«letmein»';
$db['default']['password'] = '«letmein»';
'password' => '«letmein»',
'password' => env('DB_PASSWORD', '«fallback1»'),
password = os.getenv("DB_PASSWORD", "«fallback1»")
password: process.env.DB_PASS || '«letmein»'
const password = process.env.PW || "«letmein»";
conn = psycopg2.connect(host="h", user="u", password="«letmein»")
connect(user='u', passwd='«letmein»', db='d')
client = Client(api_key="«not-a-real-one-1»")
auth=("bob", "«hunter2»")
requests.get(url, auth=('bob', '«hunter2»'))
HTTPBasicAuth("bob", "«hunter2»")
DriverManager.getConnection(url, "root", "«hunter2»")
var dbPassword string = "«letmein»"
pass := "«letmein»"
let password: String = "«letmein»".to_string();
const API_KEY: &str = "«abcdef123456»";
string password = "«letmein»";
private static final String PASSWORD = "«letmein»";
static const char *password = "«letmein»";
char password[] = "«letmein»";
#define PASSWORD "«letmein»"
#define WIFI_PASS "«letmein»"
const char* ssid = "x"; const char* password = "«letmein»";
System.setProperty("DB_PASSWORD", "«letmein»")
config.set("password", "«letmein»")
os.environ["DB_PASSWORD"] = "«letmein»"
os.environ.setdefault("SECRET_KEY", "«letmein»")
props.put("password", "«letmein»");
setPassword("«letmein»")
user.setPassword("«letmein»");
.password("«letmein»")
.withPassword("«letmein»")
password("«letmein»")
ENV["DB_PASSWORD"] ||= "«letmein»"
password ||= "«letmein»"
password ?= «letmein»
DB_PASSWORD ::= "«letmein»"
self.password = "«letmein»"
:password => "«letmein»"
password: "«letmein»", host: "h"
CREATE USER bob WITH PASSWORD '«letmein»';
ALTER ROLE bob PASSWORD '«letmein»';
CREATE USER 'bob'@'%' IDENTIFIED BY '«letmein»';
IDENTIFIED BY «Tiger123»;
CREATE USER scott IDENTIFIED BY «tiger»;
GRANT ALL ON *.* TO 'a'@'h' IDENTIFIED BY PASSWORD '«*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4»';
SET PASSWORD FOR 'bob' = PASSWORD('«letmein»');
SET PASSWORD = '«letmein»';
CREATE LOGIN bob WITH PASSWORD = N'«letmein1»';
INSERT INTO users (name, password) VALUES ('bob', '«letmein1»');
UPDATE users SET password='«letmein»' WHERE id=1
UPDATE users SET password = MD5('«letmein»') WHERE id=1
ansible_password: «letmein»
ansible_ssh_pass=«letmein»
ansible_become_pass: «letmein»
host1 ansible_user=bob ansible_password=«letmein»
  token: «abcdef1234567890»
api_token: «0123456789abcdef»
secret_key_base: «0123456789abcdef0123456789abcdef»
JWT_SECRET=«supersecret»
SECRET_KEY = '«django-insecure-abc123»'
app.secret_key = b'«_5#y2L"F4Q8z»'
app.config['SECRET_KEY'] = '«dev»'
APP_KEY=base64:«abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG=»
ENCRYPTION_KEY=«abcdefghijklmnop»
CLIENT_SECRET=«abc-def-ghi»
oauth2_client_secret: «abcDEF123»
X-API-Key: «abcdef123456»
X-Auth-Token: «abcdef123456»
Api-Key: «abcdef123456»
-H "X-Api-Key: «abcdef123456»"
-H 'PRIVATE-TOKEN: «abcdef123456»'
headers = {"X-API-KEY": "«abcdef123456»"}
Authorization: Token «abcdef123456»
Authorization: «abcdef123456»
Authorization: Api-Token «abcdef123456»
"Authorization": "Basic «dXNlcjpwYXNz»"
headers: { Authorization: `Bearer «abcdef1234567890»` }
Proxy-Authorization: Basic «dXNlcjpwYXNz»
https://api.x.com/v1?apikey=«abcdef123456»&q=1
https://api.x.com/v1?access_token=«abcdef123456»
https://x.com/reset?token=«abcdef123456»
https://user:«pass1»@example.com/
https://«ghtoken1234567890abcdef»@github.com/org/repo.git
git clone https://x-access-token:«abc123def»@github.com/o/r
//registry.npmjs.org/:_authToken=«743b294a-cd03-11ec-9d64-0242ac120002»
_auth = «Ym9iOmh1bnRlcjI=»
"auth": "«Ym9iOmh1bnRlcjI=»"
The password is «hunter2».
my password is: «sunsh1ne»
Password: «hunter2»
password - «hunter2»
pw: «hunter2»
pass: «hunter2»
Login: bob / Password: «hunter2»
username: bob, password: «hunter2»
user=bob pass=«hunter2»
Das Passwort lautet «Sommer2024»
Das Passwort ist "«Sommer»"
Le mot de passe est «Soleil12»
Mot de passe : «Soleil12»
La contraseña es «Sol12345»
Contraseña: «Sol12345»
A senha é «Sol12345»
Senha: «Sol12345»
La password è «Sole1234»
Het wachtwoord is «Zon12345»
Hasło: «Slonce12»
hasło to «Slonce12»
Пароль: «qwerty12»
пароль «qwerty12»
密码是«abc12345»
パスワードは«abc12345»です
비밀번호는 «abc12345»
Lösenord: «Sommar12»
your temporary password is «Welcome1»
use password «Welcome1» to log in
PIN is «4821»
passphrase: "«correct horse battery staple»"
password=«abc def» ghi
var config = { password: '«letmein»', user: 'x' };
{'passwd': '«letmein»'}
{"name": "DB_PASSWORD", "value": "«letmein»"}
- name: DB_PASSWORD\n  value: «letmein»
- name: DB_PASSWORD\n          value: "«letmein»"
environment:\n  - name: API_TOKEN\n    value: '«letmein12»'
name = "db_password"\nvalue = "«letmein»"
storePassword=«android»
keyPassword "«android1»"
storePassword '«android1»'
signingConfigs { release { storePassword "«android1»" } }
requirepass «foobared»
masterauth «foobared»
rabbitmqctl add_user bob «hunter2»
echo "«hunter2»" | sudo -S ls
echo '«hunter2»' | docker login --password-stdin
smtp_pass = «hunter2»
SMTP_PASSWORD="«hun ter2»"
bindpw: «hunter2»
bind_password = «hunter2»
rootpw «{SSHA}abcdef123456abcdef»
olcRootPW: «{SSHA}abcdef123456abcdef»
wpa_passphrase=«hunter22»
psk="«hunter222»"
psk=«hunter222»
snmp-server community «s3cr3tc0mm» RO
enable password «cisco123»
username bob password 7 «0822455D0A16»
username bob secret «cisco123»
Secret: «abcdef»
secret = «my little secret 1»
"client_secret" : "«abcdef»"
\"password\": \"«letmein»\"
{\"password\":\"«letmein»\"}
password=\"«letmein»\"
'password': "«letmein»"
 'secret' : u'«letmein»'
password: |\n    «letmein99»
password: >-\n    «letmein99»
key = "«AbCdEf123456GhIjKl789»"
api.key=«AbCdEf123456»
apikey «AbCdEf123456»
apiKey: «AbCdEf123456»
api_key => "«AbCdEf123456»"
access_key="«AbCdEf123456»"
private_key = "«AbCdEf123456»"
encryption.key: «AbCdEf123456»
gpg_passphrase=«AbCdEf123456»
vault_token = «s.AbCdEf123456»
credentials: «bob:hunter2»
connectionString="Data Source=x;User Id=u;Password=«pw1234»;"
<connectionStrings><add name="x" connectionString="server=s;uid=u;pwd=«pw1234»;"/></connectionStrings>
if password == "«letmein»":
if (pwd === '«letmein»')
password.equals("«letmein»")
if ("«letmein»".equals(password))
strcmp(password, "«letmein»")
WEBHOOK_SECRET: «abc123»
SESSION_SECRET=«keyboard cat»
session({ secret: '«keyboard cat»' })
cookieSecret: "«keyboard cat»"
jwt.sign(payload, '«shhhhh»')
jwt.encode(p, "«shhhhh»", algorithm="HS256")
TOKEN='«abc.def.ghi1»'
BOT_TOKEN = "«123456:ABCdef»"
set PASSWORD=«letmein»
$env:DB_PASSWORD = "«letmein»"
setx DB_PASSWORD «letmein»
SET DB_PASSWORD «letmein1»
ConvertTo-SecureString "«P@ssw0rd»" -AsPlainText -Force
ConvertTo-SecureString -String '«P@ssw0rd»' -AsPlainText
-Password "«P@ssw0rd»"
-Password «P@ssw0rd»
/p:Password=«P@ssw0rd»
--password «letmein» --user x
--password=«letmein»
--db-pass "«letmein»"
--token «abcdef123»
--secret-key=«abcdef123»
-Dpassword=«letmein»
-Djavax.net.ssl.keyStorePassword=«changeit»
keytool -storepass «changeit» -alias x
-keypass «changeit»
passwd: «letmein»
userPassword: «letmein»
userPassword:: «e1NTSEF9YWJjZGVm»
dn_password «letmein1»
password «letmein1»;
proxy_password «letmein1»
the tokenglpat-«a1B2c3D4e5F6g7H8i9J0»expired
ai21 = «90cd6930-a9ae-4f15-8da0-dc1bbcd814b9»
planyo ACCESS «4a6CA234aFd31bC2Cd23fedC239EAD0E»
gitter-secret-«4a6CA234aFd31bC2Cd23fedC239EAD0E»
var asanaToken string = "«8680434222162954»"
define('AUTH_KEY',         '«kzgllO;k$F_-W68 Fl*iEekX;-pn =fNS(;c9nDKt;5RW(&jtESXsW9+PhQFS!Tv»');
root:«$md5,rounds=89650$IU7ELX9N$$VUWQHUYZkb7n3SpAmBHq0/»
Authorization: SSWS «00RCsRGyrF9QzBe0rnWmw221UeclqRXFQGEJFdhAFM»
curl --user «kevin:'pRf7vG2h1L8nQkW9'» -iX PUT
curl -u «a81f2c09b7de4615»: https://api.example.org/v1/charges
jenkins.api.token=«MbBdK@Rz-NppWpBGAYPDUks7zoc»
new PSCredential ( "username2" , "«doodle_BLOB2»");
SSWS «00RCsRGyrF9QzBe0rnWmw221UeclqRXFQGEJFdhAFM»
https://eth-mainnet.alchemyapi.io/v2/«PajdHzB75s1V_7aldcQ6XbodqDCWMC7m»
AKIAQYLPMN5HHHFPZAM2\n«3cZvVbXr0PmKd8Yh2TqLw5NsJf7Ga1Ei9Bu4Cx6o»
""".strip("\n").split("\n")
"""One a line, `\\n` a line break; the secret is marked."""


@pytest.mark.parametrize("line", GOES)
def test_the_secret_goes(line: str) -> None:
    """No letter of the secret is left, and redacting again changes nothing."""
    assert secrets_left(line) == []
    redacted = redact_text(unmarked(line)).text
    assert redact_text(redacted).text == redacted
