dRoP iNdEx IDX_Orders_User_Id_CA;
