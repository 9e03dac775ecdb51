"""AWS on loopback for tests: moto's server with its check of signatures switched on.

moto takes the first three calls unsigned; they make a user with keys, and from then on every call must be signed with
those. One line of JSON says where the server is and what is in it. It ends with its standard input.
"""

import datetime
import json
import logging
import os
import random
import string
import sys
import urllib.parse

os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "3"

import boto3  # noqa: E402
import botocore.auth  # noqa: E402
import botocore.awsrequest  # noqa: E402
import botocore.credentials  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402

REGION = "eu-west-1"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def start():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    setup = {"endpoint_url": url, "region_name": REGION, "aws_access_key_id": "x", "aws_secret_access_key": "y"}
    iam = boto3.client("iam", **setup)
    iam.create_user(UserName="turnpike")
    key = iam.create_access_key(UserName="turnpike")["AccessKey"]
    iam.put_user_policy(UserName="turnpike", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
    setup["aws_access_key_id"] = key["AccessKeyId"]
    setup["aws_secret_access_key"] = key["SecretAccessKey"]
    return url, setup


def fill(setup):
    raw = os.urandom(32)
    secrets = boto3.client("secretsmanager", **setup)
    arn = secrets.create_secret(Name="turnpike/hex", SecretString=raw.hex() + "\n")["ARN"]
    secrets.create_secret(Name="turnpike/json", SecretString=json.dumps({"key": raw.hex().upper(), "other": "x"}))
    secrets.create_secret(Name="turnpike/binary", SecretBinary=raw)
    secrets.create_secret(Name="turnpike/short", SecretString=raw.hex()[:62])
    secrets.create_secret(Name="odd@name", SecretString=raw.hex())
    kms = boto3.client("kms", **setup)
    master = kms.create_key()["KeyMetadata"]
    plain = kms.generate_data_key(KeyId=master["KeyId"], KeySpec="AES_256")
    context = {"for": "turnpike", "stage": "test"}
    bound = kms.generate_data_key(KeyId=master["KeyId"], KeySpec="AES_256", EncryptionContext=context)
    short = kms.generate_data_key(KeyId=master["KeyId"], KeySpec="AES_128")
    return {
        "hex": raw.hex(),
        "arn": arn,
        "keyARN": master["Arn"],
        "otherKeyARN": kms.create_key()["KeyMetadata"]["Arn"],
        "sealed": base64(plain["CiphertextBlob"]),
        "sealedHex": plain["Plaintext"].hex(),
        "bound": base64(bound["CiphertextBlob"]),
        "boundHex": bound["Plaintext"].hex(),
        "short": base64(short["CiphertextBlob"]),
    }


def base64(blob):
    import base64 as b

    return b.b64encode(blob).decode()


def signed_by_botocore(count):
    """Requests and the signatures that AWS's own Python library gives them."""
    chance = random.Random(7)
    letters = string.ascii_letters + string.digits + "-._~ +/:@&=?%$!*'(),;\u00e9\u1234"
    now = datetime.datetime(2026, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc)
    botocore.auth.get_current_datetime = lambda *_, **__: now.replace(tzinfo=None)
    found = []
    for index in range(count):
        word = lambda: "".join(chance.choice(letters) for _ in range(chance.randint(1, 12)))  # noqa: E731
        # As it is sent: encoded once, with whatever else a model's id may have in it.
        path = "/model/" + urllib.parse.quote(word() + ":0", safe=chance.choice(["", "~", ":", "!*'()"])) + "/invoke"
        query = {word(): word() for _ in range(chance.randint(0, 4))}
        headers = {"x-amz-target": "  some   " + str(index), "content-type": "application/x-amz-json-1.1"}
        body = word().encode()
        token = "token/" + str(index) if index % 2 else None
        request = botocore.awsrequest.AWSRequest(
            method="POST", url="https://bedrock.eu-west-1.amazonaws.com" + path, params=query, headers=headers, data=body
        )
        credentials = botocore.credentials.Credentials("AKIDEXAMPLE", "secret/+example", token)
        botocore.auth.SigV4Auth(credentials, "bedrock", "eu-west-1").add_auth(request)
        found.append(
            {
                "path": path,
                "query": [[name, value] for name, value in query.items()],
                "target": headers["x-amz-target"],
                "body": body.decode(),
                "token": token,
                "authorization": request.headers["Authorization"],
            }
        )
    return found


def main():
    url, setup = start()
    said = {
        "url": url,
        "accessKey": setup["aws_access_key_id"],
        "secretKey": setup["aws_secret_access_key"],
        "signed": signed_by_botocore(40),
    }
    # The clock of botocore stands still from here on for signatures only.
    import importlib

    importlib.reload(botocore.auth)
    said.update(fill(setup))
    print(json.dumps(said), flush=True)
    sys.stdin.read()
    os._exit(0)


main()
