"""Secrets in headers that servers set, logins by position, wrapped texts and switches: what is between the marks goes."""

import json

import pytest

from langtrail.processors.redact import redact_text
from tests.unit.marked import secrets_left, unmarked

GOES = r"""
proxy_set_header Authorization "Basic «dXNlcjpwYXNzd29yZA==»";
proxy_set_header Authorization 'Bearer «abcDEF123456789»';
add_header Authorization "Basic «dXNlcjpwYXNz»";
RequestHeader set Authorization "Basic «dXNlcjpwYXNz»"
http-request set-header Authorization "Basic «dXNlcjpwYXNz»"
request_header Authorization "Bearer «abcdef1234567890»"
header_up Authorization "Basic «dXNlcjpwYXNz»"
Dim password As String = "«letmein»"
Private Const DbPassword As String = "«letmein»"
password <- "«letmein»"
db_password <- '«hunter2»'
password <<- "«letmein»"
api_key <- "«AbCdEf123456»"
pw <- "«hunter2»"
password: String::from("«letmein»"),
let password = String::from("«letmein»");
password: Some("«letmein»".to_string()),
password: Some(String::from("«letmein»")),
password: "«letmein»".to_owned(),
let secret = "«letmein»".to_owned();
api_key: Secret::new("«AbCdEf123456»".to_string()),
password = Some("«letmein»")
password = new String("«letmein»");
password = QString("«letmein»");
password: Secret::new("«letmein»".into())
password = SecretString::from("«letmein»");
pymysql.connect("db","root","«s3cret»","app")
pymysql.connect("localhost", "root", "«s3cret»", "app")
MySQLdb.connect("localhost","testuser","«test123»","TESTDB")
mysql.connector.connect("localhost", "root", "«test123»")
psycopg2.connect("db", "root", "«letmein9»")
db = pymysql.connect('127.0.0.1', 'root', '«letmein»', 'shop')
mysqli_connect("host","user","«letmein»")
$conn = mysqli_connect("localhost", "root", "«letmein»", "db");
new mysqli("localhost", "root", "«letmein»", "db");
$db = new mysqli('localhost', 'root', '«letmein»');
mysqli_real_connect($link, "localhost", "root", "«letmein»")
$mysqli->real_connect("localhost", "root", "«letmein»", "db")
$this->db()->real_connect("localhost", "root", "«letmein»")
my token is «a1b2c3.d4e5f6g7h8i9»(prod)
api key «abc.2afddb813193eb9d3b5bd99bf5d834cd»(test)
mysql_pconnect("localhost", "root", "«letmein»")
mysql_connect("localhost", "root", "«letmein»")
new PDO("mysql:host=localhost;dbname=x","root","«letmein»")
new PDO('mysql:host=localhost;dbname=x', 'root', '«letmein»');
new PDO($dsn, "root", "«letmein»");
new PDO($dsn, 'root', '«letmein»', $options);
cx_Oracle.connect("scott", "«tiger»", "host/db")
oracledb.connect("scott", "«tiger1»", "localhost/xe")
pymssql.connect("server", "sa", "«Str0ngPw»", "db")
ftplib.FTP("host", "bob", "«letmein9»")
FTP('ftp.example.org', 'bob', '«letmein9»')
mysql_real_connect(conn, "localhost", "root", "«letmein»", "db", 0, NULL, 0)
DBI->connect("dbi:mysql:x", "root", "«letmein»")
pg_connect("host=h dbname=d user=u password=«letmein»")
oci_connect("hr", "«welcome1»", "localhost/XE")
oci_connect('hr', '«welcome1»', 'localhost/XE')
ssh2_auth_password($c, 'bob', '«letmein9»')
odbc_connect("dsn", "user", "«letmein9»")
sqlsrv_connect($h, array("UID"=>"sa", "PWD"=>"«letmein9»"))
net use X: \\srv\share «Passw0rd» /user:NAME
net use X: \\srv\share «hunter2» /user:DOM\NAME
net use \\srv\share «hunter2» /u:bob
net use * \\srv\share «hunter2» /USER:bob /persistent:yes
net use \\10.0.0.5\c$ "«hunter2»" /user:administrator
net user bob «hunter2» /add
net user bob «P@ssw0rd1» /add /domain
ConvertTo-SecureString «P@ssw0rd» -AsPlainText -Force
$pw = ConvertTo-SecureString "«Summer2024»" -AsPlainText -Force
pymysql.connect(\n    "db",\n    "root",\n    "«s3cret»",\n    "app",\n)
PDO(\n    $dsn,\n    'root',\n    '«s3cret»'\n);
mysqli_connect(\n  "host",\n  "user",\n  "«s3cret»"\n)
.set("Authorization", "Basic «dXNlcjpwYXNz»")
xhr.setRequestHeader("Authorization", "Bearer «abcdef1234567»");
headers.append('Authorization', 'Basic «dXNlcjpwYXNz»')
req.Header.Set("Authorization", "Bearer «abcdef1234567»")
req.addHeader("Authorization", "Basic «dXNlcjpwYXNz»");
header('Authorization: Basic «dXNlcjpwYXNz»');
env::set_var("DB_PASSWORD", "«letmein»");
password: Cow::Borrowed("«letmein»"),
password: Zeroizing::new(String::from("«letmein»")),
password = Optional.of("«letmein»");
password = Secret("«letmein»")
password = quote_plus("«letmein»")
password = urllib.parse.quote("«letmein»")
password = base64.b64encode(b"«letmein»")
password = base64.b64decode("«bGV0bWVpbg==»")
password = atob("«bGV0bWVpbg==»")
cmdkey /add:srv /user:bob /pass:«letmein»
schtasks /create /tn x /tr y /ru bob /rp «letmein9»
wmic /node:srv /user:bob /password:«letmein» os
sc config svc obj= .\bob password= «letmein9»
mount -t cifs //srv/share /mnt -o username=bob,password=«letmein»
smbclient //srv/share -U bob%«hunter2»
rpcclient -U "bob%«hunter2»" srv
xfreerdp /u:bob /p:«hunter2» /v:srv
xfreerdp /u:bob /p:"«my pass 1»" /v:srv
smbclient //srv/share --user=bob%«hunter2»
wpa_passphrase "My Wifi" «letmein123»
rdesktop -u bob -p «hunter2» srv
lftp -u bob,«hunter2» ftp.example.org
mosquitto_pub -h x -u bob -P «hunter2» -t a
mosquitto_sub -h x -p 1883 -u bob -P «hunter2» -t a
ipmitool -I lanplus -H x -p 623 -P «hunter2» chassis
ipmitool -I lanplus -H x -U admin -P «hunter2» chassis
wpa_passphrase MyWifi «letmein123»
nmcli dev wifi connect MyWifi password «letmein123»
mysqladmin -u root password '«newpw12»'
wget --user=bob --password='«hunter2»' http://x
net use X: \\srv\share "«my pass 1»" /user:bob
net.exe use X: \\srv\share «hunter2» /user:bob
-Credential (New-Object PSCredential("bob", (ConvertTo-SecureString "«hunter2»" -AsPlainText -Force)))
$pw = "«hunter2»" | ConvertTo-SecureString -AsPlainText -Force
"«hunter2»" | ConvertTo-SecureString -AsPlainText -Force
ssh.connect("host", 22, "bob", "«hunter2»")
ssh.connect("host", username="bob", password="«hunter2»")
conn = psycopg2.connect(database="d", user="u", password="«hunter2»")
conn = psycopg2.connect("dbname=d user=u password=«hunter2»")
MySQLdb.connect(host="h", user="u", passwd="«hunter2»")
DB::connect("mysql://u:«hunter2»@h/d")
sql.Open("mysql", "root:«hunter2»@tcp(127.0.0.1:3306)/db")
-u bob:«hunter2» https://example.org
/password:«letmein»
reg add "HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon" /v DefaultPassword /t REG_SZ /d «Sunsh1ne!» /f
winrs -r:srv -u:bob -p:«Sunshine1» dir
http -a bob:«Sunshine1» POST https://api.example.org/x
http --auth bob:«Sunshine1» GET example.org
-define(DB_PASSWORD, <<"«sunshine1»">>).
static DB_PASSWORD: &'static [u8; 9] = b"«sunshine1»";
let password: Option<String> = Some("«sunshine1»".into());
var apiKey: String? = "«sunshine1»"
const password: string | undefined = "«sunshine1»";
password: Final[str] = "«sunshine1»"
password: str | None = "«sunshine1»"
password: SecretStr = Field(default="«sunshine1»")
password: str = Field("«sunshine1»", description="x")
public string Password { get; set; } = "«propInit9»";
password = os.environ.get("DB_PASSWORD", default="«sunshine1»")
map.put(PASSWORD, "«sunshine1»");
props.setProperty(Props.PASSWORD, "«sunshine1»");
parser.add_argument("--password", default="«sunshine1»")
@click.option("--password", prompt=True, default="«sunshine1»")
std::string password{"«sunshine1»"};
.password("«builderPw7»".to_string())
user.setPassword("«builderPw7»".toCharArray());
.basic_auth("bot", Some("«reqwest!1»"))
page.fill('#password', '«puppet33r»')
cy.get('input[name=password]').type('«cypressPw1»');
driver.find_element(By.NAME, "password").send_keys("«seleniumPw1»")
Fernet(b"«ZmDfcTF7_60GrrY167zsiPd67pEvs0aGOv2oasOM1Pg=»")
hmac.new(b"«wh00k-s3cret»", body, hashlib.sha256)
createHmac('sha256', '«wh00k-s3cret»')
new SecretKeySpec("«1234567812345678»".getBytes(), "AES")
new SymmetricSecurityKey(Encoding.UTF8.GetBytes("«signing_key_4_dev»"))
SELECT pgp_sym_encrypt('data', '«symKey99!»');
INSERT INTO users (name, password) VALUES ('a', '«p1!x22»'), ('b', '«p(2)!y33»');
INSERT INTO users (name, password) VALUES\n  ('a', '«p1!x22»'),\n  ('b', '«p2!y33»');
REPLACE INTO users (name, password) VALUES ('a', '«p1!x22»')
INSERT IGNORE INTO users (name, password) VALUES ('ann', SHA2('«annsPw22»', 256));
 username | password\n----------+-----------\n bob      | «hunter22x»\n(1 row)
+------+----------+\n| user | password |\n+------+----------+\n| bob  | «hunter22» |\n+------+----------+
MSSQL_SA_PASSWORD=«yourStrong(!)Password»
username: root\npassword: «toor»\nport: 1
password: «correcthorse» # of the old server
passwords:\n  - «correct horse»\n  - «hunter3»
<wsse:Password Type="text">«soapy-Pass1»</wsse:Password>
<property><name>fs.s3a.secret.key</name><value>«w8Rk2LmNq4TtVwXyZ0aB»</value></property>
<param-name>password</param-name>\n<param-value>«hunter22»</param-value>
name         = "db-password"\n  value        = "«kv-plain-99»"
name  = "/prod/db/password"\n  type  = "SecureString"\n  value = "«ssm-plain-99»"
ParameterKey=DBPassword,ParameterValue=«CfnPassw0rd9»
apiVersion: v1\nkind: Secret\ndata:\n  .dockercfg: |\n    «eyJhdXRocyI6eyJodHRwcyI6»\n
redis-server --requirepass «b1gR3dis» --appendonly yes
SetEnv DB_PASSWORD «set-env-pw»
az keyvault secret set --vault-name kv --name db --value "«kvSecret!1»"
aws ssm put-parameter --name /prod/db/password --type SecureString --value «ssmPw123»
hdbsql -n hana:39015 -u SYSTEM -p «HanaPw123» -d HXE
dsn = exporter:«XpoRt3r»@(db01:3306)/
["--password","«x9yz»"]
my pw is «catsrule1», please change it
Generated temporary password for ann: «Xk29-plum-7»
A temporary password is generated for root@localhost: «q#8sLk2!dWzP»
The password was changed to «Gandalf7x»
password is now «Gandalf7x»
I set your password to «Welcome2026!» - change it at first login
Kennwort für den Zugang: «Isar-Wiese-33»
das Passwort vom Server ist jetzt «Hund2010»
le mot de passe du wifi est «Soleil2023»
Mot de passe provisoire : «Soleil2023»
mdp : «chaton77»
la contraseña del servidor es «Madrid2022»
mi clave es «perro1234»
a senha do wifi é «Carnaval8»
minha senha nova é «Carnaval8»
la password del server è «Napoli1926»
https://api.telegram.org/«bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0»/getMe
https://hooks.zapier.com/hooks/catch/3812598/«yyxu3cf»/
cvv: «123»
CVC2 «4821», valid until 12/27
Your verification code is «482913».
OTP: «482913»
""".strip("\n").split("\n")
"""One a line, `\\n` a line break; the secret is marked."""


@pytest.mark.parametrize("line", GOES)
def test_the_secret_of_a_login_goes(line: str) -> None:
    """No letter of the secret is left, and redacting again changes nothing."""
    assert secrets_left(line) == []
    redacted = redact_text(unmarked(line)).text
    assert redact_text(redacted).text == redacted


@pytest.mark.parametrize("line", GOES)
def test_a_line_is_redacted_alike_as_a_value_of_json(line: str) -> None:
    """Nothing stands before it there, and others behind it."""
    text = unmarked(line)
    document = redact_text(json.dumps(["a", text, "b"])).text
    assert json.loads(document) == ["a", redact_text(text).text, "b"]
