"""What the drivers find in a new moto: printed as JSON. Run by moto's own Python: URL."""

import io
import json
import sys
import zipfile
from typing import Any

import boto3  # type: ignore[import-not-found] - it is in moto's own environment

KEYS = {"aws_access_key_id": "AKID", "aws_secret_access_key": "secret", "region_name": "eu-west-1"}


def main(url: str) -> dict[str, Any]:
    def of(name: str) -> Any:
        return boto3.client(name, endpoint_url=url, **KEYS)

    return {**balancer(of("ec2"), of("elbv2")), **function(of("iam"), of("lambda")), **services(of("ecs"))}


def balancer(ec2: Any, elb: Any) -> dict[str, str]:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    nets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"eu-west-1{zone}")[
            "Subnet"
        ]
        for n, zone in enumerate("ab")
    ]
    made = elb.create_load_balancer(Name="shop", Subnets=[one["SubnetId"] for one in nets])
    arm = {"Protocol": "HTTP", "Port": 80, "VpcId": vpc}
    stable, canary = (
        elb.create_target_group(Name=name, **arm)["TargetGroups"][0]["TargetGroupArn"]
        for name in ("stable", "canary")
    )
    listener = elb.create_listener(
        LoadBalancerArn=made["LoadBalancers"][0]["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": stable}],
    )["Listeners"][0]["ListenerArn"]
    rule = elb.create_rule(
        ListenerArn=listener,
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": stable}],
    )["Rules"][0]["RuleArn"]
    return {"listener": listener, "rule": rule, "stable_group": stable, "canary_group": canary}


def function(iam: Any, functions: Any) -> dict[str, str]:
    role = iam.create_role(RoleName="run", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as packed:
        packed.writestr("shop.py", "")
    functions.create_function(
        FunctionName="shop",
        Runtime="python3.12",
        Role=role,
        Handler="shop.x",
        Code={"ZipFile": code.getvalue()},
    )
    functions.publish_version(FunctionName="shop", Description="1.0")
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as packed:
        packed.writestr("shop.py", "fixed = True")
    functions.update_function_code(FunctionName="shop", ZipFile=changed.getvalue())
    functions.publish_version(FunctionName="shop", Description="1.1")
    functions.create_alias(FunctionName="shop", Name="live", FunctionVersion="1")
    return {"role": role}


def services(ecs: Any) -> dict[str, str]:
    ecs.create_cluster(clusterName="main")
    ecs.register_task_definition(
        family="shop", containerDefinitions=[{"name": "shop", "image": "shop:1.0", "memory": 64}]
    )
    for name in ("stable", "canary"):
        ecs.create_service(cluster="main", serviceName=name, taskDefinition="shop", desiredCount=0)
    return {}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1])))
