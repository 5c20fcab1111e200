BEGIN TRANSACTION;
CREATE TABLE alert (
	id INTEGER NOT NULL, 
	incident VARCHAR, 
	dedup_key VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	at INTEGER NOT NULL, 
	raw TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(incident) REFERENCES incident (id)
);
INSERT INTO "alert" VALUES(1,'inc-1','shop:HighErrorRate','firing',1769824800000,'{"source":"test","dedup_key":"shop:HighErrorRate","name":"HighErrorRate","service":"shop","status":"firing","starts_at":"2026-01-31T02:00:00Z","severity":"critical","summary":"","value":null,"expression":"","labels":{}}');
INSERT INTO "alert" VALUES(2,'inc-2','checkout:SlowAnswers','firing',1769824800000,'{"source":"test","dedup_key":"checkout:SlowAnswers","name":"SlowAnswers","service":"checkout","status":"firing","starts_at":"2026-01-31T02:00:00Z","severity":"critical","summary":"","value":null,"expression":"","labels":{}}');
CREATE TABLE audit (
	seq INTEGER NOT NULL, 
	ts INTEGER NOT NULL, 
	incident VARCHAR NOT NULL, 
	actor VARCHAR NOT NULL, 
	actor_kind VARCHAR NOT NULL, 
	via VARCHAR NOT NULL, 
	action VARCHAR NOT NULL, 
	body TEXT NOT NULL, 
	prev VARCHAR NOT NULL, 
	hash VARCHAR NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (hash)
);
INSERT INTO "audit" VALUES(1,1769824800000,'inc-1','steadyhand','system','service','incident.opened','{"alert":"HighErrorRate","service":"shop","severity":"SEV2","severity_why":"a major feature is broken","source":"test"}','0000000000000000000000000000000000000000000000000000000000000000','4463f2265cad070982a2adeadd76985e9ce0c5741025e6c4d45eab199446d412');
INSERT INTO "audit" VALUES(2,1769824800000,'inc-1','steadyhand','system','service','incident.diagnosed','{"headline":"None of the known causes explains it."}','4463f2265cad070982a2adeadd76985e9ce0c5741025e6c4d45eab199446d412','a93818cec5bfcd1709e907a3abecfca9829bb789cfdc6687c6d3ad943c5321b3');
INSERT INTO "audit" VALUES(3,1769824800000,'inc-1','steadyhand','system','service','plan.none','{"note":"None of the known causes explains it. No safe fix is known."}','a93818cec5bfcd1709e907a3abecfca9829bb789cfdc6687c6d3ad943c5321b3','a1259a92b00fdf6dbad5ba40c408eaa14060e2e2b3676aeb4235b58722e424ea');
INSERT INTO "audit" VALUES(4,1769824800000,'inc-2','steadyhand','system','service','incident.opened','{"alert":"SlowAnswers","service":"checkout","severity":"SEV2","severity_why":"a major feature is broken","source":"test"}','a1259a92b00fdf6dbad5ba40c408eaa14060e2e2b3676aeb4235b58722e424ea','f528d26d81049966108752bc2c9daee92b11bcf6a3221b4639beb6cb7a17e1e5');
CREATE TABLE change (
	id VARCHAR NOT NULL, 
	service VARCHAR NOT NULL, 
	started_at INTEGER NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE decision (
	"plan" VARCHAR NOT NULL, 
	incident VARCHAR NOT NULL, 
	used_at INTEGER, 
	state TEXT NOT NULL, 
	PRIMARY KEY ("plan"), 
	FOREIGN KEY(incident) REFERENCES incident (id)
);
CREATE TABLE document (
	kind VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	incident VARCHAR NOT NULL, 
	at INTEGER NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (kind, id), 
	FOREIGN KEY(incident) REFERENCES incident (id)
);
INSERT INTO "document" VALUES('page','page-1','inc-1',1769824800000,'{"incident":"inc-1","service":"shop","window":{"start":"2026-01-31T01:45:00Z","end":"2026-01-31T02:00:00Z"},"baseline":{"start":"2026-01-31T01:45:00Z","end":"2026-01-31T01:51:00Z"},"items":[{"id":"g1","kind":"gap","role":"other","entity":"shop","title":"no log lines in the window","onset":null,"direction":"none","strength":0.0,"now":null,"normal":null,"facts":{},"ref":""},{"id":"g2","kind":"gap","role":"other","entity":"shop","title":"no metrics: nothing was measured, which is not the same as nothing happened","onset":null,"direction":"none","strength":0.0,"now":null,"normal":null,"facts":{},"ref":""}],"order":[],"coverage":{"metrics":"0 series read every 1 s, 0 signals, 0 moved, 0 shown, 0 left out","logs":"0 lines read, 0 kinds of message, 0 changed, 0 shown, 0 left out, 0 lines unclustered","changes":"0 changes in the look-back","databases":"0 databases looked at, 0 sessions, 0 findings, 0 left out"},"gaps":["no metrics: nothing was measured, which is not the same as nothing happened","no log lines in the window"],"charts":[]}');
INSERT INTO "document" VALUES('diagnosis','diag-1','inc-1',1769824800000,'{"incident":"inc-1","hypotheses":[],"none_of_these":1.0,"calibrated_on":"uncalibrated","model_version":"hand-set-1","unexplained":[],"data_gaps":["no metrics: nothing was measured, which is not the same as nothing happened","no log lines in the window"]}');
CREATE TABLE incident (
	id VARCHAR NOT NULL, 
	version INTEGER NOT NULL, 
	status VARCHAR NOT NULL, 
	service VARCHAR NOT NULL, 
	opened_at INTEGER NOT NULL, 
	resolved_at INTEGER, 
	state TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "incident" VALUES('inc-1',2,'needs_human','shop',1769824800000,NULL,'{"id":"inc-1","version":2,"status":"needs_human","service":"shop","title":"HighErrorRate","severity":"SEV2","severity_why":"a major feature is broken","opened_at":"2026-01-31T02:00:00Z","alerts":[{"source":"test","dedup_key":"shop:HighErrorRate","name":"HighErrorRate","service":"shop","status":"firing","starts_at":"2026-01-31T02:00:00Z","severity":"critical","summary":"","value":null,"expression":"","labels":{}}],"episode":0,"repeats":0,"rung":0,"acked_by":"","plan":"","plans":[],"rollout":"","attempts":0,"note":"None of the known causes explains it. No safe fix is known.","milestones":{"started":"2026-01-31T02:00:00Z","detected":"2026-01-31T02:00:00Z","evidence_ready":"2026-01-31T02:00:00Z"},"policy":{"ladder":{"tiers":[{"name":"on_call","response_time_minutes":"15m","contacts":[{"type":"phone","target":"","channel":"","user":"ana","address":"","service":"","url":""}],"escalate_after":"15m"},{"name":"lead","response_time_minutes":"15m","contacts":[{"type":"phone","target":"","channel":"","user":"bo","address":"","service":"","url":""}],"escalate_after":"30m"}],"repeat":1},"treatment":{"auto_escalate":true,"create_war_room":false,"notify_stakeholders":false},"approval":{"answer_within":"5m","expires_after":"15m","approvers":["approver"],"wrong_pins":5,"locked_for":"5m"},"relapse":"10m"}}');
INSERT INTO "incident" VALUES('inc-2',1,'investigating','checkout',1769824800000,NULL,'{"id":"inc-2","version":1,"status":"investigating","service":"checkout","title":"SlowAnswers","severity":"SEV2","severity_why":"a major feature is broken","opened_at":"2026-01-31T02:00:00Z","alerts":[{"source":"test","dedup_key":"checkout:SlowAnswers","name":"SlowAnswers","service":"checkout","status":"firing","starts_at":"2026-01-31T02:00:00Z","severity":"critical","summary":"","value":null,"expression":"","labels":{}}],"episode":0,"repeats":0,"rung":0,"acked_by":"","plan":"","plans":[],"rollout":"","attempts":0,"note":"Reading the evidence.","milestones":{"started":"2026-01-31T02:00:00Z","detected":"2026-01-31T02:00:00Z"},"policy":{"ladder":{"tiers":[{"name":"on_call","response_time_minutes":"15m","contacts":[{"type":"phone","target":"","channel":"","user":"ana","address":"","service":"","url":""}],"escalate_after":"15m"},{"name":"lead","response_time_minutes":"15m","contacts":[{"type":"phone","target":"","channel":"","user":"bo","address":"","service":"","url":""}],"escalate_after":"30m"}],"repeat":1},"treatment":{"auto_escalate":true,"create_war_room":false,"notify_stakeholders":false},"approval":{"answer_within":"5m","expires_after":"15m","approvers":["approver"],"wrong_pins":5,"locked_for":"5m"},"relapse":"10m"}}');
CREATE TABLE meta (
	"key" VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema','1');
CREATE TABLE outbox (
	"key" VARCHAR NOT NULL, 
	incident VARCHAR NOT NULL, 
	channel VARCHAR NOT NULL, 
	target VARCHAR NOT NULL, 
	subject TEXT NOT NULL, 
	body TEXT NOT NULL, 
	state VARCHAR NOT NULL CHECK (state in ('queued','sending','sent','failed','unknown','cancelled')), 
	due_at INTEGER NOT NULL, 
	owner VARCHAR, 
	lease_until INTEGER, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	receipt VARCHAR DEFAULT '' NOT NULL, 
	error TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY ("key"), 
	FOREIGN KEY(incident) REFERENCES incident (id)
);
INSERT INTO "outbox" VALUES('inc-1:0:page:0::phone:ana','inc-1','phone','ana','SEV2 shop: HighErrorRate','HighErrorRate is firing. You are on_call. Incident inc-1.','sent',1769824800000,'life-1',1769824830000,1,'ring-1','');
INSERT INTO "outbox" VALUES('inc-1:0:plan.none:0::phone:ana','inc-1','phone','ana','SEV2 shop: over to you','None of the known causes explains it. No safe fix is known.','sent',1769824800000,'life-1',1769824830000,1,'ring-2','');
INSERT INTO "outbox" VALUES('inc-2:0:page:0::phone:ana','inc-2','phone','ana','SEV2 checkout: SlowAnswers','SlowAnswers is firing. You are on_call. Incident inc-2.','queued',1769824800000,NULL,NULL,0,'','');
CREATE TABLE person (
	name VARCHAR NOT NULL, 
	role VARCHAR NOT NULL, 
	pin_hash VARCHAR NOT NULL, 
	wrong INTEGER DEFAULT '0' NOT NULL, 
	locked_until INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "person" VALUES('ana','approver','94cef55a7305ea3f0f3560eab0b842e9:f3b1390a6e8b038da74c9c5246d7523f01ec1a6eac5594d20dcd0ef694bc0acceeb9196af029c320077632b74ca3cefe5a23b365234e9568f0a9ea1dcf202c52',0,1769824800000);
CREATE TABLE rollout (
	id VARCHAR NOT NULL, 
	incident VARCHAR NOT NULL, 
	service VARCHAR NOT NULL, 
	running INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(incident) REFERENCES incident (id)
);
CREATE TABLE timer (
	"key" VARCHAR NOT NULL, 
	incident VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	state VARCHAR NOT NULL CHECK (state in ('armed','leased','done','cancelled','dead')), 
	due_at INTEGER NOT NULL, 
	owner VARCHAR, 
	epoch INTEGER DEFAULT '0' NOT NULL, 
	lease_until INTEGER, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	payload TEXT NOT NULL, 
	PRIMARY KEY ("key"), 
	FOREIGN KEY(incident) REFERENCES incident (id)
);
INSERT INTO "timer" VALUES('inc-1:escalate','inc-1','escalate','armed',1769825700000,NULL,0,NULL,0,'{"rung": "0"}');
INSERT INTO "timer" VALUES('inc-1:investigate','inc-1','investigate','done',1769824800000,'life-1',1,1769824830000,1,'{}');
INSERT INTO "timer" VALUES('inc-2:escalate','inc-2','escalate','armed',1769825700000,NULL,0,NULL,0,'{"rung": "0"}');
INSERT INTO "timer" VALUES('inc-2:investigate','inc-2','investigate','armed',1769824800000,NULL,0,NULL,0,'{}');
CREATE INDEX change_time ON change (started_at);
CREATE INDEX audit_incident ON audit (incident, seq);
CREATE INDEX alert_key ON alert (dedup_key, at);
CREATE INDEX timer_due ON timer (due_at) WHERE state='armed';
CREATE INDEX outbox_due ON outbox (due_at) WHERE state='queued';
CREATE INDEX document_incident ON document (incident, kind, at);
CREATE UNIQUE INDEX rollout_one_per_service ON rollout (service) WHERE running=1;
CREATE TRIGGER audit_no_update before update on audit begin select raise(abort, 'the audit trail may only grow'); end;
CREATE TRIGGER audit_no_delete before delete on audit begin select raise(abort, 'the audit trail may only grow'); end;
COMMIT;
