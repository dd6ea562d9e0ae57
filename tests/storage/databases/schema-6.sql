-- A database as schema 6 left it, every field of every kept type filled. Never to be changed: what is in it must load for ever.
PRAGMA user_version=6;
BEGIN TRANSACTION;
CREATE TABLE dead (id INTEGER PRIMARY KEY, message_id TEXT NOT NULL, body TEXT NOT NULL, reason TEXT NOT NULL, at REAL NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, reference INTEGER);
INSERT INTO "dead" VALUES(2,'m-2','["Updated","tx-1",1,[1700000005.0,false,17.5,"boot-1"],"MeterValuePeriodic",1,2,"Charging",1234.5,[[1700000005.0,"Sample.Periodic",[["Energy.Active.Import.Register",1234.5,"Wh",null,"Outlet"],["Current.Import",15.5,"A","L1","Inlet"]]]],null,["04A1B2C3D4E5F6","ISO14443"],null,null,false,null,null,null]','InternalError: no',1700000006.5,3,4711);
CREATE TABLE listed (key TEXT PRIMARY KEY, entry TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "listed" VALUES('04A1B2C3D4E5F6','["Accepted",1800000000.0,"group-1","de","Hallo",[1,2]]');
INSERT INTO "listed" VALUES('KeyCode:1234','["Blocked"]');
CREATE TABLE record (id INTEGER PRIMARY KEY, message_id TEXT NOT NULL, body TEXT NOT NULL, again INTEGER NOT NULL DEFAULT 0);
INSERT INTO "record" VALUES(1,'m-1','["Started","tx-1",0,[1700000000.0,true,12.5,"boot-1"],"CablePluggedIn",1,2,"EVConnected",1200.0,[],["04A1B2C3D4E5F6","ISO14443"],["04A1B2C3D4E5F6","ISO14443"],77,null,false,8,3,32.0]',0);
INSERT INTO "record" VALUES(2,'m-2','["Updated","tx-1",1,[1700000005.0,false,17.5,"boot-1"],"MeterValuePeriodic",1,2,"Charging",1234.5,[[1700000005.0,"Sample.Periodic",[["Energy.Active.Import.Register",1234.5,"Wh",null,"Outlet"],["Current.Import",15.5,"A","L1","Inlet"]]]],null,["04A1B2C3D4E5F6","ISO14443"],null,null,false,null,null,null]',0);
INSERT INTO "record" VALUES(3,'m-3','["Ended","tx-1",2,[1700000009.0,true,0.0,""],"StopAuthorized",1,2,"Idle",1300.0,[[1700000005.0,"Sample.Periodic",[["Energy.Active.Import.Register",1234.5,"Wh",null,"Outlet"],["Current.Import",15.5,"A","L1","Inlet"]]]],["04A1B2C3D4E5F6","ISO14443"],["04A1B2C3D4E5F6","ISO14443"],null,"Local",true,null,null,null]',0);
INSERT INTO "record" VALUES(4,'m-4','["Updated","tx-é",9,[1700000005.0,false,17.5,"boot-1"],"MeterValuePeriodic",1,2,"Charging",1234.5,[[1700000005.0,"Sample.Periodic",[["Energy.Active.Import.Register",1234.5,"Wh",null,"Outlet"],["Current.Import",15.5,"A","L1","Inlet"]]]],null,["04A1B2C3D4E5F6","ISO14443"],null,null,false,null,null,null]',0);
CREATE TABLE security (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, at REAL NOT NULL, info TEXT NOT NULL, message_id TEXT NOT NULL
);
INSERT INTO "security" VALUES(7,'StartupOfTheDevice',1700000000.5,'PowerUp','');
INSERT INTO "security" VALUES(8,'InvalidCsmsCertificate',1700000001.5,'expired','m-5');
CREATE TABLE session (evse_id INTEGER PRIMARY KEY, body TEXT NOT NULL);
INSERT INTO "session" VALUES(1,'[2,["04A1B2C3D4E5F6","ISO14443"],"group-1",true,true,79,["tx-2",1,1700000100.0,4,"SuspendedEV",["04A1B2C3D4E5F6","ISO14443"],true,1300.0,1350.5,78,true,["StopAuthorized","Local",["04A1B2C3D4E5F6","ISO14443"]],[[1700000005.0,"Sample.Periodic",[["Energy.Active.Import.Register",1234.5,"Wh",null,"Outlet"],["Current.Import",15.5,"A","L1","Inlet"]]]]],true,true]');
INSERT INTO "session" VALUES(2,'[1,null,null,false,false,null,null,false,false]');
CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "state" VALUES('availability','{"station":true,"evses":{"1":false}}');
INSERT INTO "state" VALUES('boot_reason','"RemoteReset"');
INSERT INTO "state" VALUES('local_list','7');
INSERT INTO "state" VALUES('reference/tx-1','4711');
INSERT INTO "state" VALUES('settled','2');
CREATE TABLE token (key TEXT PRIMARY KEY, kind TEXT NOT NULL, info TEXT NOT NULL, stored_at REAL NOT NULL, added_at REAL NOT NULL DEFAULT 0, used_at REAL NOT NULL DEFAULT 0, uses INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
INSERT INTO "token" VALUES('04A1B2C3D4E5F6','ISO14443','["Accepted",1800000000.0,"group-1","de","Hallo"]',1700000001.5,1690000000.0,1700000003.5,17);
INSERT INTO "token" VALUES('FF','Local','["Blocked",null,null,null,null]',1700000002.0,0.0,0.0,0);
CREATE TABLE variable (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "variable" VALUES('AuthCtrlr.Enabled','false');
COMMIT;
