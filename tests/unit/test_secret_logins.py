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
